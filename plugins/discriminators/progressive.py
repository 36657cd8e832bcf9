"""Progressive topology: blocks with a fromRGB each, of which only the newest is used once it has faded in.

Source: arXiv:1710.10196 figure 2 (PGGAN), arXiv:1812.04948 (StyleGAN, with a blur). Fully grown it is the original
topology; the fromRGB layers of the lower resolutions are then idle.
"""

from collections.abc import Iterable

from torch import Tensor

from gancore.contracts import Images, Stage
from gancore.nn import StyleDiscriminator, weight_of_newest


class Progressive(StyleDiscriminator):
    """Plugin `progressive`: downsampling blocks that are added one by one."""

    provides = StyleDiscriminator.provides | {"growth"}
    fromrgb_at_every_resolution = True

    def inputs(self, images: Images, stage: Stage | None) -> Iterable[Tensor | None]:
        image, *others = super().inputs(images, stage)
        if image is None or weight_of_newest(stage) == 1:
            return [image, *others]
        return [image, self.downsample(image), *others]

    def join(self, x: Tensor, rgb: Tensor, alpha: float) -> Tensor:
        return rgb.lerp(x, alpha)
