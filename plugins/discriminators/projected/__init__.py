"""The discriminator of Projected GAN: small heads on features of a frozen network, mixed at random.

Source: arXiv:2111.01007 section 3; sizes and initial weights of the published code. The heads' normalization is an
option as in any network; the code has `normalization: {use: batch, affine: true}` and `weight_normalization: spectral`.
Differs: losses add up over heads as in the paper (the code averages, which is the same to Adam); labels are mapped once
for all heads, by a layer of the kind of arXiv:2006.06676.

    backbone.py     a frozen model of timm, and where its weights are from
    projection.py   features mixed over channels and scales by fixed random weights
    head.py         one of the discriminators that are trained
    discriminator.py    the plugin
"""

from .discriminator import Projected as Projected
