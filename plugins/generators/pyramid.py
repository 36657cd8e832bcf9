"""Pyramid topology: style blocks with an image at every resolution (MSG-StyleGAN).

Source: arXiv:1903.06048 section 3.2 and the code of its StyleGAN variant. Every image goes to the discriminator, which
does not get one combined image: gradients reach each resolution separately.
"""

from typing import ClassVar

from torch import Tensor

from gancore.contracts import Images, Stage
from gancore.nn import StyleGenerator, StyleSynthesis, pyramid, resolutions


class PyramidSynthesis(StyleSynthesis):
    """All images, coarse to fine."""

    torgb_at_every_resolution = True

    def output(self, rgbs: list[Tensor], stage: Stage | None) -> Images:
        return tuple(rgbs)


class Pyramid(StyleGenerator):
    """Plugin `pyramid`: style blocks with a toRGB each; images of all resolutions."""

    provides: ClassVar[frozenset[str]] = StyleGenerator.provides | {"pyramid"}
    synthesis_class = PyramidSynthesis

    def reals(self, image: Tensor, stage: Stage | None = None) -> Images:
        """The image and its 2x2 averages, down to 4x4."""
        return pyramid((image,), resolutions(self.resolution))
