"""The alias-free generator of StyleGAN3, configurations T (default) and R.

Source: arXiv:2106.12423, sections 2 and 3; constants of the published code.
Differs: the moving averages of magnitudes, from which layers have their input gains, are updated at the end of a step,
where the published code updates them within the forward pass; demodulation may be replaced by any other normalization.

    options.py      what can be set
    table.py        sizes, channels, sampling rates and cutoffs of all layers
    filters.py      low-pass filters
    input.py        Fourier features that the first style shifts and turns
    layer.py        convolution, and the filtered nonlinearity
    synthesis.py    the network and the plugin
"""

from .synthesis import AliasFree as AliasFree
