"""StyleGAN2 whose toRGB has a 3x3 convolution before the 1x1 convolution with a style.

Source: StyleGAN2's generator with output skips (arXiv:1912.04958 section 4.1).
Differs: the deeper toRGB, which is an example, not of a paper.
"""

from typing import Any

from torch import Tensor, nn

from gancore.contracts import Images, Interface, Normalize, Pass, Stage
from gancore.nn import Conv2d, StyleGenerator, StyleGeneratorConfig, StyleSynthesis, ToRGB, leaky


class DeepToRGB(nn.Module):
    """[N, C, H, W] to an image [N, channels, H, W]."""

    def __init__(self, channels: int, last: ToRGB) -> None:
        super().__init__()
        self.conv, self.last = Conv2d(channels, channels, 3, activation=leaky()), last

    def forward(self, x: Tensor, ws: Any, how: Pass) -> Tensor:
        return self.last(self.conv(x), ws, how)


class DeepSynthesis(StyleSynthesis):
    """Images of all resolutions, upsampled and summed."""

    torgb_at_every_resolution = True

    def __init__(self, cfg: StyleGeneratorConfig, interface: Interface, normalize: Normalize) -> None:
        super().__init__(cfg, interface, normalize)
        for resolution in self.resolutions:
            block = getattr(self, f"b{resolution}")
            block.torgb = DeepToRGB(cfg.channels.at(resolution), block.torgb)

    def output(self, rgbs: list[Tensor], stage: Stage | None) -> Images:
        image, *finer = rgbs
        for rgb in finer:
            image = self.upsample(image) + rgb
        return (image,)


class DeepRGB(StyleGenerator):
    """Plugin `deep_rgb`; its options are those of `skip`."""

    synthesis_class = DeepSynthesis
