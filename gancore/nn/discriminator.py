"""The shared base of discriminators whose blocks halve the resolution: a topology says where images enter.

Layers are named in the published manner: `b64.fromrgb`, `b64.conv0`, `b64.conv1`, `b64.skip`, `b4.conv`, `b4.fc`,
`b4.out`. Source: arXiv:1912.04958 section 4.1; labels by projection (arXiv:1802.05637) as in the code of
arXiv:2006.06676, or by an output for each class as in that of arXiv:1812.04948.
"""

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, ClassVar, Literal

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from gancore.contracts import (
    Context,
    Discriminator,
    Images,
    Interface,
    Logits,
    Normalization,
    Normalize,
    Outputs,
    Stage,
)
from gancore.errors import PluginError
from gancore.nn.activation import activation_of, leaky
from gancore.nn.fade import weight_of_newest
from gancore.nn.kernels.resample import downsample2d
from gancore.nn.kernels.resampled_conv import Sampling
from gancore.nn.label import condition_of, required_label
from gancore.nn.layers import Conv2d, Linear, register_filter
from gancore.nn.mapping import LabelMappingConfig, MappingNetwork
from gancore.nn.minibatch_std import MinibatchStd
from gancore.nn.normalized import is_conditioned
from gancore.nn.options import ChannelsConfig, ConvOptions, InheritedChannels
from gancore.nn.sites import FIRST_RESOLUTION, Sites, resolution_problems, resolutions
from gancore.nn.style import SQRT_HALF
from gancore.options import Later, PluginConfig


class MinibatchStdConfig(PluginConfig):
    """The minibatch standard deviation layer."""

    group_size: int | None = Field(4, ge=1, description="images a group; null: the whole batch")
    channels: int = Field(1, ge=0, description="channels it adds; 0: no such layer")


class DiscriminatorConfig(ConvOptions):
    """Options of discriminators whose blocks halve the resolution."""

    channels: InheritedChannels = None
    halving: Later[Literal["convolution", "average"]] = Field(
        "convolution",
        description="what halves the size: the second convolution of a block, or a 2x2 average of its activations",
    )
    fromrgb_activation: Later[Literal["lrelu", "linear"]] = Field(
        "lrelu", description="behind the layers that take images in"
    )
    mbstd: MinibatchStdConfig = MinibatchStdConfig()
    last_convolution: Later[bool] = Field(
        True, description="whether the last block has a convolution before its dense layers"
    )
    labels: Later[Literal["projection", "output", "auxiliary"]] = Field(
        "projection",
        description="how a label acts: on the features by a mapping network, or by an output a class; "
        "auxiliary: not on the logit, which has the outputs of a classifier beside it",
    )
    mapping: LabelMappingConfig = LabelMappingConfig()
    cmap_dim: int | None = Field(None, ge=1, description="size of the mapped label; feature maps at 4x4 when not given")


class AveragedConv2d(Conv2d):
    """A convolution whose activations are averaged: [N, in, H, W] to [N, out, H / 2, W / 2].

    PGGAN where it does not fuse convolution and averaging; with the activation between them, that is another function.
    """

    def forward(
        self,
        x: Tensor,
        gain: float = 1.0,
        parts: int = 1,
        scales: Normalization | None = None,
        condition: Tensor | None = None,
    ) -> Tensor:
        return F.avg_pool2d(super().forward(x, gain, parts, scales, condition), 2)


class DiscriminatorBuilder:
    """Makes the layers of a discriminator."""

    def __init__(self, cfg: DiscriminatorConfig, interface: Interface, normalize: Normalize, layers: int) -> None:
        self.cfg, self.interface, self.normalize = cfg, interface, normalize
        self.channels = (cfg.channels or ChannelsConfig()).at
        self.sites = Sites("discriminator", layers, styled=False, condition=interface.label_dim)
        self.activation = activation_of(cfg.activation, cfg.gain, cfg.conv_clamp)

    def conv(self, name: str, resolution: int, c_in: int, c_out: int, down: bool = False) -> Conv2d:
        cfg, site = self.cfg, self.sites.next(name, resolution, c_in, c_out)
        averaged = down and cfg.halving == "average"
        sampling: Sampling | None = "down" if down and not averaged else None
        return (AveragedConv2d if averaged else Conv2d)(
            c_in, c_out, 3, True, sampling, cfg.resample_filter, cfg.resampling, self.activation, self.normalize(site)
        )

    def skip(self, c_in: int, c_out: int) -> Conv2d:
        return Conv2d(c_in, c_out, 1, False, "down", self.cfg.resample_filter, self.cfg.resampling)

    def fromrgb(self, resolution: int) -> Conv2d:
        """As published, the one at 4x4 has no clamp; weights that were trained by that code expect it so."""
        clamp = None if resolution == FIRST_RESOLUTION else self.cfg.conv_clamp
        activation = leaky(self.cfg.gain, clamp)
        if self.cfg.fromrgb_activation == "linear":
            activation = replace(activation, slope=1.0)
        return Conv2d(self.interface.channels, self.channels(resolution), 1, activation=activation)


class DiscriminatorBlock(nn.Module):
    """Halves the size: a convolution, and a downsampling one."""

    fromrgb: Conv2d | None

    def __init__(self, build: DiscriminatorBuilder, resolution: int, c_in: int, c_out: int, extra: int = 0) -> None:
        """`extra` feature maps (minibatch stddev) are added to the `c_in` before the first convolution."""
        super().__init__()
        self.conv0 = build.conv(f"b{resolution}.conv0", resolution, c_in + extra, c_in)
        self.conv1 = build.conv(f"b{resolution}.conv1", resolution // 2, c_in, c_out, down=True)

    def forward(self, x: Tensor, parts: int = 1, condition: Tensor | None = None) -> Tensor:
        return self.conv1(self.conv0(x, parts=parts, condition=condition), parts=parts, condition=condition)


class ResidualDiscriminatorBlock(DiscriminatorBlock):
    """A block with a downsampling 1x1 convolution around it."""

    def __init__(self, build: DiscriminatorBuilder, resolution: int, c_in: int, c_out: int) -> None:
        super().__init__(build, resolution, c_in, c_out)
        self.skip = build.skip(c_in, c_out)

    def forward(self, x: Tensor, parts: int = 1, condition: Tensor | None = None) -> Tensor:
        y = self.conv0(x, parts=parts, condition=condition)
        return self.conv1(y, SQRT_HALF, parts, condition=condition) + self.skip(x, SQRT_HALF)


class LastBlock(nn.Module):
    """Minibatch standard deviation, a convolution, and two dense layers: [N, C, r, r] to [N, features]."""

    fromrgb: Conv2d | None

    def __init__(self, build: DiscriminatorBuilder, resolution: int, channels: int, features: int) -> None:
        super().__init__()
        mbstd = build.cfg.mbstd
        self.mbstd = MinibatchStd(mbstd.group_size, mbstd.channels) if mbstd.channels else None
        inputs, activation = channels + mbstd.channels, activation_of(build.cfg.activation, build.cfg.gain)
        self.conv = None
        if build.cfg.last_convolution:
            self.conv, inputs = build.conv(f"b{resolution}.conv", resolution, inputs, channels), channels
        self.fc = Linear(inputs * resolution**2, channels, activation=activation)
        self.out = Linear(channels, features)

    def forward(self, x: Tensor, parts: int = 1, condition: Tensor | None = None) -> Tensor:
        x = x if self.mbstd is None else self.mbstd(x, parts)
        x = x if self.conv is None else self.conv(x, parts=parts, condition=condition)
        return self.out(self.fc(x.flatten(1)))


class StyleDiscriminator(Discriminator):
    """Images to logits [N]. A topology chooses the block, the places of fromRGB layers, and `inputs`."""

    Config = DiscriminatorConfig
    provides = frozenset({"features", "class_logits"})
    block: ClassVar[type[DiscriminatorBlock]] = DiscriminatorBlock
    fromrgb_at_every_resolution: ClassVar[bool] = False
    resample_filter: Tensor

    def __init__(self, cfg: DiscriminatorConfig, interface: Interface, normalize: Normalize) -> None:
        super().__init__(cfg, interface, normalize)
        self.resolutions = resolutions(interface.resolution)[::-1]
        build = DiscriminatorBuilder(
            cfg, interface, normalize, layers=2 * len(self.resolutions) - 2 + cfg.last_convolution
        )
        projects = interface.label_dim and cfg.labels == "projection"
        self.cmap_dim = (cfg.cmap_dim or build.channels(FIRST_RESOLUTION)) if projects else 0
        for resolution in self.resolutions:
            block = self._block(build, resolution)
            entered = self.fromrgb_at_every_resolution or resolution == interface.resolution
            block.fromrgb = build.fromrgb(resolution) if entered else None
            setattr(self, f"b{resolution}", block)
        if self.cmap_dim:
            self.mapping = MappingNetwork(0, interface.label_dim, self.cmap_dim, None, cfg.mapping, cfg.gain)
        register_filter(self, cfg.image_filter)
        normalizations = (part for part in self.modules() if isinstance(part, Normalization))
        self.conditioned = any(is_conditioned(normalization) for normalization in normalizations)

    def forward(
        self,
        images: Images,
        label: Tensor | None = None,
        stage: Stage | None = None,
        parts: int = 1,
        wanted: tuple[str, ...] = (),
    ) -> Logits | tuple[Logits, Outputs]:
        """Logits; on request the output of each block but the last, and with `labels: auxiliary` class logits."""
        x: Tensor | None = None
        features: list[Tensor] = []
        given = self.given(label)
        for i, (block, image) in enumerate(zip(self.blocks(stage), self.inputs(images, stage), strict=False)):
            x = self.entered(block, x, image, weight_of_newest(stage) if i == 1 else 1.0)
            x = block(x, parts, **given)
            if "features" in wanted:
                features.append(x)
        assert x is not None
        return self.result(x, label, features, wanted)

    def result(
        self, x: Tensor, label: Tensor | None, features: list[Tensor], wanted: tuple[str, ...]
    ) -> Logits | tuple[Logits, Outputs]:
        """The result of `forward`, from the outputs of the last layer and of each block."""
        logits = (self.score(x, label),)
        if not wanted:
            return logits
        outputs = {"features": tuple(features[:-1])}
        return logits, outputs | ({"class_logits": (x[:, 1:],)} if self.cfg.labels == "auxiliary" else {})

    def score(self, features: Tensor, label: Tensor | None) -> Tensor:
        """The logit [N] from the last layer's output [N, features]. Raises ValueError if a label is missing."""
        if not self.interface.label_dim:
            return features[:, 0]
        if self.cfg.labels == "auxiliary":
            return features[:, 0]
        label = required_label(label, self.interface.label_dim)
        if not self.cmap_dim:
            return (features * label).sum(dim=1)
        return (features * self.mapping(None, label)).sum(dim=1) / math.sqrt(self.cmap_dim)

    def given(self, label: Tensor | None) -> dict[str, Tensor | None]:
        """Further arguments of blocks: the condition, if a normalization depends on it."""
        return {"condition": condition_of(label, self.interface.label_dim)} if self.conditioned else {}

    def blocks(self, stage: Stage | None) -> list[Any]:
        """The blocks from the resolution of the stage on."""
        first = self.resolutions[0] if stage is None else stage.resolution
        if first != self.resolutions[0] and not self.fromrgb_at_every_resolution:
            raise PluginError(f"{type(self).__name__} reads at {self.resolutions[0]} only, and cannot grow")
        return [getattr(self, f"b{resolution}") for resolution in self.resolutions if resolution <= first]

    def inputs(self, images: Images, stage: Stage | None) -> Iterable[Tensor | None]:
        """The image that enters each block, fine to coarse; None: no image. The finest is of the stage's size."""
        return [images[-1], *[None] * (len(self.resolutions) - 1)]

    def entered(self, block: Any, x: Tensor | None, image: Tensor | None, alpha: float) -> Tensor:
        """The input of a block: the features of the one before, joined with the image that enters here, if any."""
        if image is None:
            assert x is not None, "the first block has an image"
            return x
        rgb: Tensor = block.fromrgb(image)
        return rgb if x is None else self.join(x, rgb, alpha)

    def join(self, x: Tensor, rgb: Tensor, alpha: float) -> Tensor:
        """Features `x` and those of an image that enters here; `alpha` is the weight of `x` (1 when it is grown)."""
        return x * alpha + rgb if alpha != 1 else x + rgb

    def downsample(self, image: Tensor) -> Tensor:
        """[N, C, H, W] to [N, C, H / 2, W / 2]."""
        return downsample2d(image, self.resample_filter)

    def _block(self, build: DiscriminatorBuilder, resolution: int) -> "DiscriminatorBlock | LastBlock":
        channels = build.channels(resolution)
        if resolution == FIRST_RESOLUTION:
            beside = self.cfg.labels == "auxiliary"
            return LastBlock(build, resolution, channels, self.cmap_dim or self.interface.label_dim + beside or 1)
        return self.block(build, resolution, channels, build.channels(resolution // 2))

    @classmethod
    def provided_with(cls, cfg: DiscriminatorConfig) -> frozenset[str]:
        return cls.provides if cfg.labels == "auxiliary" else cls.provides - {"class_logits"}

    @classmethod
    def problems(cls, cfg: DiscriminatorConfig, context: Context) -> Iterable[str]:
        return resolution_problems(context.interface.resolution)
