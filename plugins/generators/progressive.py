"""Progressive topology: style blocks with a toRGB each, of which only the newest is seen once it has faded in.

Source: arXiv:1812.04948 (StyleGAN) with the fade-in of arXiv:1710.10196 figure 2. Fully grown it is the original
topology; the toRGB layers of the lower resolutions are then idle.
"""

from torch import Tensor

from gancore.contracts import Images, Stage
from gancore.nn import StyleGenerator, StyleSynthesis, faded_image, images_in_use


class ProgressiveSynthesis(StyleSynthesis):
    """The image of the newest block; while it fades in, blended with the upsampled one of the block before."""

    torgb_at_every_resolution = True

    def torgbs_in_use(self, stage: Stage | None) -> int:
        return images_in_use(stage)

    def output(self, rgbs: list[Tensor], stage: Stage | None) -> Images:
        return (faded_image(rgbs, stage, self.upsample),)


class Progressive(StyleGenerator):
    """Plugin `progressive`: style blocks that are added one by one."""

    provides = StyleGenerator.provides | {"growth"}
    synthesis_class = ProgressiveSynthesis
