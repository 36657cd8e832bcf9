"""MSG topology: the image of every resolution meets the features of that resolution (MSG-GAN).

Source: arXiv:1903.06048 section 2 ("simple" combination) and table 6, and its code: at every resolution but the
finest, half of the feature maps come from the blocks above and half from the image by a linear 1x1 convolution.
Differs: labels, which the paper does not have, choose one of several logits.
"""

from collections.abc import Iterable

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from gancore.contracts import Context, Discriminator, Images, Interface, Normalize, Stage
from gancore.nn import (
    FIRST_RESOLUTION,
    ChannelsConfig,
    InheritedChannels,
    MinibatchStd,
    MinibatchStdConfig,
    Sites,
    condition_of,
    logit_of_class,
    pyramid,
    resolution_problems,
    resolutions,
)
from gancore.nn.families.msg import conv3x3, linear, rgb_conv
from gancore.options import PluginConfig


class MSGConfig(PluginConfig):
    """Options of the discriminator."""

    channels: InheritedChannels = None
    equalized: bool = Field(True, description="equalized learning rate; else ordinary weights")
    mbstd: MinibatchStdConfig = MinibatchStdConfig(group_size=None)


class Builder:
    """Makes the layers of the discriminator."""

    def __init__(self, cfg: MSGConfig, interface: Interface, normalize: Normalize, layers: int) -> None:
        self.cfg, self.interface, self.normalize = cfg, interface, normalize
        self.channels = (cfg.channels or ChannelsConfig()).at
        self.sites = Sites("discriminator", layers, styled=False, condition=interface.label_dim)

    def share(self, resolution: int) -> int:
        """Feature maps of the blocks above, and as many of the image."""
        return max(self.channels(resolution) // 2, 1)

    def width(self, resolution: int) -> int:
        """All feature maps that enter a block; the finest sees its image only."""
        finest = resolution == self.interface.resolution
        return self.channels(resolution) if finest else 2 * self.share(resolution)

    def fromrgb(self, resolution: int) -> nn.Module:
        width = self.width(resolution)
        maps = width if resolution == self.interface.resolution else width // 2
        return rgb_conv(self.interface.channels, maps, self.cfg.equalized)

    def conv(self, name: str, resolution: int, c_in: int, c_out: int) -> nn.Module:
        site = self.sites.next(f"b{resolution}.{name}", resolution, c_in, c_out)
        return conv3x3(c_in, c_out, self.cfg.equalized, self.normalize(site))


class MSGBlock(nn.Module):
    """Two convolutions and a 2x2 average: [N, C, H, W] to [N, C', H / 2, W / 2]."""

    def __init__(self, build: Builder, resolution: int) -> None:
        super().__init__()
        width = build.width(resolution)
        self.fromrgb = build.fromrgb(resolution)
        self.conv0 = build.conv("conv0", resolution, width, width)
        self.conv1 = build.conv("conv1", resolution, width, build.share(resolution // 2))

    def forward(self, x: Tensor, parts: int, condition: Tensor | None) -> Tensor:
        x = self.conv0(x, parts=parts, condition=condition)
        return F.avg_pool2d(self.conv1(x, parts=parts, condition=condition), 2)


class LastBlock(nn.Module):
    """Minibatch standard deviation, a convolution, and two dense layers: [N, C, 4, 4] to [N, features]."""

    def __init__(self, build: Builder, features: int) -> None:
        super().__init__()
        mbstd, equalized, channels = build.cfg.mbstd, build.cfg.equalized, build.channels(FIRST_RESOLUTION)
        self.fromrgb = build.fromrgb(FIRST_RESOLUTION)
        self.mbstd = MinibatchStd(mbstd.group_size, mbstd.channels) if mbstd.channels else None
        self.conv = build.conv("conv", FIRST_RESOLUTION, build.width(FIRST_RESOLUTION) + mbstd.channels, channels)
        self.fc = linear(channels * FIRST_RESOLUTION**2, channels, equalized, slope=0.2)
        self.out = linear(channels, features, equalized)

    def forward(self, x: Tensor, parts: int, condition: Tensor | None) -> Tensor:
        x = x if self.mbstd is None else self.mbstd(x, parts)
        return self.out(self.fc(self.conv(x, parts=parts, condition=condition).flatten(1)))


class MSG(Discriminator):
    """Plugin `msg`: blocks with a fromRGB each; missing scales are averaged down from the finest."""

    Config = MSGConfig
    provides = frozenset({"pyramid"})

    def __init__(self, cfg: MSGConfig, interface: Interface, normalize: Normalize) -> None:
        super().__init__(cfg, interface, normalize)
        self.resolutions = resolutions(interface.resolution)
        build = Builder(cfg, interface, normalize, layers=2 * len(self.resolutions) - 1)
        for resolution in self.resolutions[:0:-1]:
            setattr(self, f"b{resolution}", MSGBlock(build, resolution))
        self.b4 = LastBlock(build, interface.label_dim or 1)

    def forward(
        self, images: Images, label: Tensor | None = None, stage: Stage | None = None, parts: int = 1
    ) -> tuple[Tensor, ...]:
        x, condition = None, condition_of(label, self.interface.label_dim)
        for resolution, image in zip(self.resolutions[::-1], pyramid(images, self.resolutions)[::-1], strict=True):
            block = getattr(self, f"b{resolution}")
            rgb = block.fromrgb(image)
            x = block(rgb if x is None else torch.cat([rgb, x], dim=1), parts, condition)
        assert x is not None
        return (logit_of_class(x, label, self.interface.label_dim),)

    @classmethod
    def problems(cls, cfg: MSGConfig, context: Context) -> Iterable[str]:
        return resolution_problems(context.interface.resolution)
