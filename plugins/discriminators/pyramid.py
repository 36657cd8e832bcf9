"""Pyramid topology: the image of every resolution is concatenated to the features of that resolution (MSG-StyleGAN).

Source: arXiv:1903.06048 section 2 ("lin_cat" combination) and the code of its StyleGAN variant: a linear 1x1
convolution takes features and raw image back to the width of the features, and every block, not only the last, has a
minibatch standard deviation.
"""

from collections.abc import Iterable
from typing import Any

import torch
from pydantic import Field
from torch import Tensor

from gancore.contracts import Images, Interface, Normalize, Stage
from gancore.nn import (
    FIRST_RESOLUTION,
    Activation,
    ChannelsConfig,
    Conv2d,
    DiscriminatorBlock,
    DiscriminatorBuilder,
    DiscriminatorConfig,
    LastBlock,
    MinibatchStd,
    StyleDiscriminator,
    leaky,
    pyramid,
)


class PyramidConfig(DiscriminatorConfig):
    """Options of the pyramid discriminator."""

    mbstd_everywhere: bool = Field(True, description="a minibatch standard deviation in every block, not only the last")


class PyramidBlock(DiscriminatorBlock):
    """A block that halves, after a minibatch standard deviation of `extra` feature maps."""

    def __init__(self, build: DiscriminatorBuilder, resolution: int, c_in: int, c_out: int, extra: int = 0) -> None:
        super().__init__(build, resolution, c_in, c_out, extra)
        self.mbstd = MinibatchStd(build.cfg.mbstd.group_size, extra) if extra else None

    def forward(self, x: Tensor, parts: int = 1, condition: Tensor | None = None) -> Tensor:
        return super().forward(x if self.mbstd is None else self.mbstd(x, parts), parts, condition)


class Pyramid(StyleDiscriminator):
    """Plugin `pyramid`: blocks that take features and an image.

    Missing scales are averaged down from the finest.
    """

    Config = PyramidConfig
    cfg: PyramidConfig
    provides = StyleDiscriminator.provides | {"pyramid"}

    def __init__(self, cfg: PyramidConfig, interface: Interface, normalize: Normalize) -> None:
        super().__init__(cfg, interface, normalize)
        width, linear = (cfg.channels or ChannelsConfig()).at, Activation(weight_gain=leaky(cfg.gain).weight_gain)
        for resolution in self.resolutions[1:]:
            c_in, c_out = width(resolution) + interface.channels, width(resolution)
            combine = Conv2d(c_in, c_out, 1, bias=False, activation=linear)
            getattr(self, f"b{resolution}").combine = combine

    def inputs(self, images: Images, stage: Stage | None) -> Iterable[Tensor | None]:
        return pyramid(images, self.resolutions)

    def entered(self, block: Any, x: Tensor | None, image: Tensor | None, alpha: float) -> Tensor:
        assert image is not None, "every block has an image"
        entering: Tensor = block.fromrgb(image) if x is None else block.combine(torch.cat([x, image], dim=1))
        return entering

    def _block(self, build: DiscriminatorBuilder, resolution: int) -> DiscriminatorBlock | LastBlock:
        if resolution == FIRST_RESOLUTION:
            return super()._block(build, resolution)
        extra = self.cfg.mbstd.channels if self.cfg.mbstd_everywhere else 0
        return PyramidBlock(build, resolution, build.channels(resolution), build.channels(resolution // 2), extra)
