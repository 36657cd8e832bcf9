"""Adaptive discriminator augmentation (ADA).

Source: arXiv:2006.06676, section 3 and appendix B; order, constants and filters of the published code.
Differs: the strength is kept and adapted on the device, over all processes; the images of a pyramid are changed
alike; off the CPU the warp pads fully, because a padding that depends on the drawn warps would make the host wait.

    options.py      options; the sets of transforms
    chance.py       the draws of one call and in which samples they act
    constant.py     filters as tensors
    affine.py       homogeneous matrices
    geometry.py     pixel blitting and geometric transforms, composed to one warp
    warp.py         the warp of an image, without aliasing
    color.py        colour transforms, composed to one matrix
    corruption.py   image-space filter, noise, cutout
    pipeline.py     the plugin, and how its strength adapts
"""

from .pipeline import ADA as ADA
