"""The discriminator of Projected GAN: small heads on features of a frozen network, mixed at random.

Source: arXiv:2111.01007 section 3; sizes of the published code. Differs: the fixed random weights keep the variance
of their input (their scale is in no source, and batch norm in the heads takes it out), and trained ones start normal
instead of uniform; with labels, the features of a head are projected onto a mapped label as in the code of
arXiv:2006.06676.

    backbone.py     a frozen model of timm, and where its weights are from
    projection.py   features mixed over channels and scales by fixed random weights
    head.py         one of the discriminators that are trained
    discriminator.py    the plugin
"""

from .discriminator import Projected as Projected
