"""StyleGAN2 whose blocks repeat pixels in place of an upsampling convolution with a filter.

Source: StyleGAN2's generator with output skips (arXiv:1912.04958 section 4.1); repeated pixels as in PGGAN
(arXiv:1710.10196). Differs: images are still upsampled with the filter [1, 3, 3, 1].
"""

from typing import Any

from torch import Tensor
from torch.nn import functional as F

from gancore.contracts import Images, Pass, Stage
from gancore.nn import StyleBlock, StyleGenerator, StyleSynthesis


class RepeatingBlock(StyleBlock):
    """Every pixel becomes 2x2 equal ones; then two style convolutions."""

    def __init__(self, build: Any, resolution: int, c_in: int, c_out: int) -> None:
        super().__init__(build, resolution, c_in, c_out)
        self.conv0.up = False

    def forward(self, x: Tensor, ws: Any, how: Pass) -> Tensor:
        return super().forward(F.interpolate(x, scale_factor=2), ws, how)


class RepeatingSynthesis(StyleSynthesis):
    """Images of all resolutions, upsampled and summed."""

    block = RepeatingBlock
    torgb_at_every_resolution = True

    def output(self, rgbs: list[Tensor], stage: Stage | None) -> Images:
        image, *finer = rgbs
        for rgb in finer:
            image = self.upsample(image) + rgb
        return (image,)


class Repeated(StyleGenerator):
    """Plugin `repeated`; its options are those of `skip`."""

    synthesis_class = RepeatingSynthesis
