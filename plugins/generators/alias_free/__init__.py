"""The alias-free generator of StyleGAN3, configurations T (default) and R.

Source: arXiv:2106.12423, sections 2 and 3; constants of the published code. Differs: the gains of
layers follow their input's magnitude from one step to the next, where the published code moves them within a forward
pass; any normalization of activations can stand where demodulation stands.

    options.py      what can be set
    table.py        sizes, channels, sampling rates and cutoffs of all layers
    filters.py      low-pass filters
    input.py        Fourier features that the first style shifts and turns
    layer.py        convolution, and the filtered nonlinearity
    synthesis.py    the network and the plugin
"""

from .synthesis import AliasFree as AliasFree
