"""The shared base of style-based generators: a topology says where images leave and how they are combined.

Layers are named after their resolution in the published manner: `b64.conv0`, `b64.conv1`, `b64.torgb`, `b64.skip`.
Layers take their w in the order of computation, and a toRGB shares that of the convolution after it, so `num_ws`
follows from the topology (arXiv:1912.04958: 2 log2(resolution) - 2).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from gancore.contracts import Context, Generator, Images, Interface, Normalize, Pass, Stage, Synthesis
from gancore.errors import PluginError
from gancore.nn.activation import Activation, leaky
from gancore.nn.kernels.resample import upsample2d
from gancore.nn.layers import Conv2d, Linear, register_filter
from gancore.nn.mapping import MappingNetwork
from gancore.nn.options import StyleGeneratorConfig
from gancore.nn.sites import FIRST_RESOLUTION, Sites, resolution_problems, resolutions
from gancore.nn.style import SQRT_HALF, StyleConv, StyledLayer, ToRGB, constant_input


@dataclass
class WIndices:
    """Hands out indices into ws."""

    next: int = 0
    total: int = 0

    def take(self) -> int:
        """The index of the next layer's w."""
        self.next += 1
        self.total = max(self.total, self.next)
        return self.next - 1

    def share(self) -> int:
        """The same index as the layer after this one."""
        self.total = max(self.total, self.next + 1)
        return self.next


class Builder:
    """Makes the layers of a synthesis network, each with its normalization and its w."""

    def __init__(self, cfg: StyleGeneratorConfig, interface: Interface, normalize: Normalize, layers: int) -> None:
        self.cfg, self.interface, self.normalize = cfg, interface, normalize
        self.ws = WIndices()
        self.sites = Sites("generator", layers, styled=True)

    def conv(self, name: str, resolution: int, c_in: int, c_out: int, up: bool = False) -> StyleConv:
        site = self.sites.next(name, resolution, c_in, c_out)
        return StyleConv(site, self.normalize(site), self.cfg.w_dim, self.ws.take(), self.cfg, up)

    def const_layer(self, name: str, resolution: int, channels: int) -> StyledLayer:
        """The layer after the constant input. A normalization that takes a style itself (demodulation) scales a
        convolution with it; there is none here, so the layer then has no style and takes no w."""
        site = self.sites.next(name, resolution, channels, channels)
        normalization = self.normalize(site)
        w_index = None if normalization.style_size else self.ws.take()
        return StyledLayer(site, normalization, self.cfg.w_dim, w_index, self.cfg)

    def dense(self, channels: int, resolution: int) -> Linear:
        """A layer from the first w to the first maps: PGGAN's dense layer, whose gain is a quarter of a layer's."""
        activation = Activation(weight_gain=leaky(self.cfg.gain).weight_gain)
        return Linear(self.cfg.w_dim, channels * resolution**2, None, activation=activation, gain=0.25)

    def torgb(self, c_in: int) -> ToRGB:
        w_index = self.ws.share() if self.cfg.torgb_modulated else None
        return ToRGB(c_in, self.interface.channels, self.cfg.w_dim, w_index, self.cfg)

    def skip(self, c_in: int, c_out: int) -> Conv2d:
        cfg = self.cfg
        return Conv2d(c_in, c_out, 1, False, "up", resample_filter=cfg.resample_filter, resampling=cfg.resampling)


class ConstBlock(nn.Module):
    """The first block: constant input, perhaps a layer on it, and one convolution."""

    torgb: ToRGB | None

    def __init__(self, build: Builder, resolution: int, channels: int) -> None:
        super().__init__()
        from_latent = build.cfg.const == "latent"
        self.const = None if from_latent else constant_input(channels, resolution, build.cfg.const)
        self.dense = build.dense(channels, resolution) if from_latent else None
        name = f"b{resolution}"
        self.const_layer = (
            build.const_layer(f"{name}.const_layer", resolution, channels) if build.cfg.const_layer else None
        )
        self.conv1 = build.conv(f"{name}.conv1", resolution, channels, channels)

    def forward(self, x: Tensor | None, ws: Sequence[Tensor], how: Pass) -> Tensor:
        if self.dense is not None:
            x = self.dense(ws[0]).unflatten(1, (-1, FIRST_RESOLUTION, FIRST_RESOLUTION))
        else:
            assert self.const is not None
            x = self.const[None].expand(ws[0].shape[0], -1, -1, -1).contiguous(memory_format=torch.channels_last)
        x = x if self.const_layer is None else self.const_layer(x, ws, how)
        return self.conv1(x, ws, how)


class StyleBlock(nn.Module):
    """Doubles the size: an upsampling convolution and another one."""

    torgb: ToRGB | None

    def __init__(self, build: Builder, resolution: int, c_in: int, c_out: int) -> None:
        super().__init__()
        self.conv0 = build.conv(f"b{resolution}.conv0", resolution, c_in, c_out, up=True)
        self.conv1 = build.conv(f"b{resolution}.conv1", resolution, c_out, c_out)

    def forward(self, x: Tensor, ws: Sequence[Tensor], how: Pass) -> Tensor:
        return self.conv1(self.conv0(x, ws, how), ws, how)


class ResidualStyleBlock(StyleBlock):
    """A style block with an upsampling 1x1 convolution around it."""

    def __init__(self, build: Builder, resolution: int, c_in: int, c_out: int) -> None:
        super().__init__(build, resolution, c_in, c_out)
        self.skip = build.skip(c_in, c_out)

    def forward(self, x: Tensor, ws: Sequence[Tensor], how: Pass) -> Tensor:
        y = self.conv1(self.conv0(x, ws, how), ws, how, SQRT_HALF)
        return y + self.skip(x, SQRT_HALF)


class StyleSynthesis(Synthesis):
    """ws [N, num_ws, w_dim] to images. A topology chooses the block, the places of toRGB layers, and `output`."""

    block: ClassVar[type[StyleBlock]] = StyleBlock
    torgb_at_every_resolution: ClassVar[bool] = False
    resample_filter: Tensor

    def __init__(self, cfg: StyleGeneratorConfig, interface: Interface, normalize: Normalize) -> None:
        super().__init__()
        self.resolutions = resolutions(interface.resolution)
        build = Builder(cfg, interface, normalize, layers=2 * len(self.resolutions) - 1 + cfg.const_layer)
        c_in = cfg.channels.at(FIRST_RESOLUTION)
        for resolution in self.resolutions:
            c_out = cfg.channels.at(resolution)
            first = resolution == FIRST_RESOLUTION
            block: ConstBlock | StyleBlock = (
                ConstBlock(build, resolution, c_out) if first else self.block(build, resolution, c_in, c_out)
            )
            painted = self.torgb_at_every_resolution or resolution == interface.resolution
            block.torgb = build.torgb(c_out) if painted else None
            setattr(self, f"b{resolution}", block)
            c_in = c_out
        self.num_ws = build.ws.total
        register_filter(self, cfg.image_filter)

    def forward(self, ws: Tensor, how: Pass) -> Images:
        x, rgbs, blocks = None, [], self.blocks(how.stage)
        layer_ws, with_image = ws.unbind(1), blocks[-self.torgbs_in_use(how.stage) :]
        for block in blocks:
            x = block(x, layer_ws, how)
            if block.torgb is not None and block in with_image:
                rgbs.append(block.torgb(x, layer_ws, how))
        return self.output(rgbs, how.stage)

    def blocks(self, stage: Stage | None) -> list[Any]:
        """The blocks up to the resolution of the stage."""
        last = self.resolutions[-1] if stage is None else stage.resolution
        if last != self.resolutions[-1] and not self.torgb_at_every_resolution:
            raise PluginError(f"{type(self).__name__} paints at {self.resolutions[-1]} only, and cannot grow")
        return [getattr(self, f"b{resolution}") for resolution in self.resolutions if resolution <= last]

    def torgbs_in_use(self, stage: Stage | None) -> int:
        """How many of the last blocks make an image, if they have a toRGB."""
        return len(self.resolutions)

    def output(self, rgbs: list[Tensor], stage: Stage | None) -> Images:
        """Images from the outputs of the toRGB layers, coarse to fine."""
        return (rgbs[-1],)

    def upsample(self, image: Tensor) -> Tensor:
        """[N, C, H, W] to [N, C, 2 H, 2 W]."""
        return upsample2d(image, self.resample_filter)


class StyleGenerator(Generator):
    """A mapping network and a synthesis network; a topology sets `synthesis_class`."""

    Config = StyleGeneratorConfig
    provides: ClassVar[frozenset[str]] = frozenset({"styles", "ws"})
    synthesis_class: ClassVar[type[StyleSynthesis]] = StyleSynthesis
    synthesis: StyleSynthesis

    def __init__(self, cfg: StyleGeneratorConfig, interface: Interface, normalize: Normalize) -> None:
        super().__init__(cfg, interface, normalize)
        self.z_dim, self.w_dim = cfg.z_dim, cfg.w_dim
        self.synthesis = self.synthesis_class(cfg, interface, normalize)
        self.num_ws = self.synthesis.num_ws
        self.mapping = MappingNetwork(cfg.z_dim, interface.label_dim, cfg.w_dim, self.num_ws, cfg.mapping, cfg.gain)

    def num_ws_at(self, stage: Stage | None) -> int:
        """Two ws for each resolution (arXiv:1812.04948)."""
        return self.num_ws - 2 * (len(self.synthesis.resolutions) - len(self.synthesis.blocks(stage)))

    @classmethod
    def problems(cls, cfg: StyleGeneratorConfig, context: Context) -> Iterable[str]:
        return resolution_problems(context.interface.resolution)
