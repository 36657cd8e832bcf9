"""Skip topology: every resolution paints an image, and the images are upsampled and summed.

Source: arXiv:1912.04958 section 4.1, "output skips". While growing, the newest image fades in with the stage's
weight, so that at 0 the result is the upsampled image of the stage before.
"""

from torch import Tensor

from gancore.contracts import Images, Stage
from gancore.nn import StyleGenerator, StyleSynthesis, weight_of_newest


class SkipSynthesis(StyleSynthesis):
    """The sum of all images, each upsampled to the size of the next."""

    torgb_at_every_resolution = True

    def output(self, rgbs: list[Tensor], stage: Stage | None) -> Images:
        image, *finer = rgbs
        for rgb in finer[:-1]:
            image = self.upsample(image) + rgb
        if finer:
            image = self.upsample(image) + finer[-1] * weight_of_newest(stage)
        return (image,)


class Skip(StyleGenerator):
    """Plugin `skip`: style blocks with a toRGB each."""

    provides = StyleGenerator.provides | {"growth"}
    synthesis_class = SkipSynthesis
