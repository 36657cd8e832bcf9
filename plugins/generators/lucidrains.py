"""The generator of lucidrains/stylegan2-pytorch: output skips, one w a block, one noise image for all layers.

Source: arXiv:1912.04958 and the project's code, version 1.9. Maps grow by linear interpolation before a convolution,
not by a filter after it; images are interpolated and blurred; activations have no gain. Noise is one uniform image of
the full size, whose top left corner the smaller layers see, with a strength a channel. The first maps pass through a
convolution without a style. Weights are used as stored, and start at N(0, 2 / fan_in); those of the mapping network are
multiplied by its lr_multiplier, and its latents have length 1.
Differs: images are on [-1, 1], there on [0, 1]; toRGB has a bias; labels, where there are any, enter the mapping.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from gancore.contracts import (
    Context,
    Generator,
    Images,
    Interface,
    Normalization,
    Normalize,
    Pass,
    PluginConfig,
    Site,
    Synthesis,
)
from gancore.nn import (
    FIRST_RESOLUTION,
    AffineAroundStart,
    ChannelsConfig,
    Conv2d,
    Linear,
    MappingConfig,
    MappingNetwork,
    Sites,
    StyleConv,
    StyleOptions,
    ToRGB,
    activation_of,
    resolutions,
    style_at_start,
)
from gancore.nn.families.lucidrains import AttentionBlock, AttentionSizes, Bilinear, Blur, problems, std_at_start

PLAIN = StyleOptions(gain="weight", resampling="box", resample_filter=None, noise="none")
"""Layers without resampling, whose activation has no gain; weights and noise are replaced here."""

LEAKY = activation_of("lrelu", None)


class Lucidrains(Generator):
    """Plugin `lucidrains`: latents [N, z_dim] to one image [N, C, R, R], R a power of two from 8."""

    provides: ClassVar[frozenset[str]] = frozenset({"styles", "ws"})

    class Config(PluginConfig):
        z_dim: int = Field(512, ge=1, le=65536, description="size of the latent z")
        w_dim: int = Field(512, ge=1, le=65536, description="size of the mapped latent w")
        mapping: MappingConfig = MappingConfig(lr_multiplier=0.1)
        channels: ChannelsConfig = ChannelsConfig(base=8192, max=512)
        const: Literal["normal", "latent"] = Field(
            "normal", description="the first maps: learned, N(0, 1) at the start, or made of the mean of all ws"
        )
        attention: AttentionSizes = ()

    def __init__(self, cfg: Config, interface: Interface, normalize: Normalize) -> None:
        super().__init__(cfg, interface, normalize)
        self.z_dim, self.w_dim = cfg.z_dim, cfg.w_dim
        self.num_ws = len(resolutions(interface.resolution))
        self.synthesis = LucidrainsSynthesis(cfg, interface, normalize)
        self.mapping = UnitMapping(cfg, interface.label_dim, self.num_ws)

    @classmethod
    def problems(cls, cfg: Config, context: Context) -> Iterable[str]:
        return problems(cfg.attention, context)


class UnitMapping(MappingNetwork):
    """The mapping network on latents of length 1; only the learning rate multiplies its weights."""

    def __init__(self, cfg: Lucidrains.Config, label_dim: int, num_ws: int) -> None:
        super().__init__(cfg.z_dim, label_dim, cfg.w_dim, num_ws, cfg.mapping)
        rate = cfg.mapping.lr_multiplier
        for name in self.layers:
            c_out, c_in = self.get_parameter(f"{name}.weight").shape
            setattr(self, name, Linear(c_in, c_out, lr_multiplier=rate, activation=LEAKY, gain=rate, init_std=1.0))

    def _input(self, z: Tensor | None, label: Tensor | None) -> Tensor:
        x = super()._input(z, label)
        return x / sqrt(x.shape[1])


@dataclass(frozen=True)
class Shared(Pass):
    """A pass whose layers share one noise image [N or 1, 1, R, R]; None: no noise."""

    image: Tensor | None = None


class LucidrainsSynthesis(Synthesis):
    """ws [N, num_ws, w_dim] to one image. Blocks are named after their output: b4, b8, ..."""

    noise_const: Tensor
    b4: "Block"

    def __init__(self, cfg: Lucidrains.Config, interface: Interface, normalize: Normalize) -> None:
        super().__init__()
        self.sizes, at = resolutions(interface.resolution), cfg.channels.at
        first = at(FIRST_RESOLUTION)
        self.shape = (first, FIRST_RESOLUTION, FIRST_RESOLUTION)
        self.const = nn.Parameter(torch.randn(self.shape)) if cfg.const == "normal" else None
        features, start = first * FIRST_RESOLUTION**2, std_at_start(cfg.w_dim)
        self.dense = Linear(cfg.w_dim, features, None, init_std=start) if cfg.const == "latent" else None
        self.conv = Conv2d(first, first, init_std=std_at_start(9 * first))
        sites = Sites("generator", 2 * len(self.sizes), styled=True)
        for index, (before, size) in enumerate(pairwise([FIRST_RESOLUTION, *self.sizes])):
            block = Block(sites, normalize, size, at(before), at(size), interface.channels, cfg.w_dim, index)
            block.attention = AttentionBlock(at(before)) if size in cfg.attention else None
            setattr(self, f"b{size}", block)
        self.up, self.blur = Bilinear(), Blur()
        self.register_buffer("noise_const", torch.rand(interface.resolution, interface.resolution))

    def forward(self, ws: Tensor, how: Pass) -> Images:
        how = Shared(how.noise_mode, how.stage, how.draw, how.update_emas, self.noise(how, ws.shape[0]))
        if self.dense is not None:
            x = self.dense(ws.mean(1)).unflatten(1, self.shape)
        else:
            assert self.const is not None
            x = self.const[None].expand(ws.shape[0], -1, -1, -1).contiguous(memory_format=torch.channels_last)
        x, image = self.b4(self.conv(x), ws.unbind(1), how, self.up)
        for size in self.sizes[1:]:
            x, rgb = self.get_submodule(f"b{size}")(x, ws.unbind(1), how, self.up)
            image = self.blur(self.up(image)) + rgb
        return (image,)

    def noise(self, how: Pass, n: int) -> Tensor | None:
        """The noise image of a pass: uniform on [0, 1)."""
        if how.noise_mode == "none":
            return None
        if how.noise_mode == "const":
            return self.noise_const[None, None]
        if how.draw is not None:
            return how.draw.uniform("noise", (1, *self.noise_const.shape)).to(self.noise_const.dtype)
        return torch.rand(n, 1, *self.noise_const.shape, dtype=self.noise_const.dtype, device=self.noise_const.device)


class Block(nn.Module):
    """Perhaps attention, twice the size but for the first block, two layers and an image, all with one w."""

    attention: AttentionBlock | None

    def __init__(
        self, sites: Sites, normalize: Normalize, size: int, c_in: int, c_out: int, colors: int, w_dim: int, index: int
    ) -> None:
        super().__init__()
        before, after = (sites.next(f"b{size}.conv{i}", size, c, c_out) for i, c in enumerate((c_in, c_out)))
        self.grows = size > FIRST_RESOLUTION
        self.conv0 = Layer(before, normalize(before), w_dim, index)
        self.conv1 = Layer(after, normalize(after), w_dim, index)
        self.torgb = Painting(c_out, colors, w_dim, index)

    def forward(self, x: Tensor, ws: Sequence[Tensor], how: Shared, up: Bilinear) -> tuple[Tensor, Tensor]:
        x = x if self.attention is None else self.attention(x)
        x = up(x) if self.grows else x
        x = self.conv1(self.conv0(x, ws, how), ws, how)
        return x, self.torgb(x, ws, how)


class Layer(StyleConv):
    """A synthesis layer whose noise is the top left corner of the image that all layers share."""

    def __init__(self, site: Site, normalization: Normalization, w_dim: int, w_index: int) -> None:
        super().__init__(site, normalization, w_dim, w_index, PLAIN, up=False)
        self.add_weight([site.c_out, site.c_in, 3, 3], init_std=std_at_start(9 * site.c_in))
        scales = style_at_start(site.c_out, normalization.style_size)
        self.affine = AffineAroundStart(w_dim, scales, std_at_start(w_dim))
        self.noise_strength = nn.Parameter(torch.zeros(site.c_out))

    def activated(self, y: Tensor, scale: Tensor | None, how: Pass, gain: float = 1.0) -> Tensor:
        assert isinstance(how, Shared)
        size = self.site.resolution
        added = None if how.image is None else (how.image[:, :, :size, :size], self.noise_strength)
        return self.activation(y, self.bias, scale, added, gain)


class Painting(ToRGB):
    """[N, in, H, W] to an image, with a style."""

    def __init__(self, c_in: int, colors: int, w_dim: int, w_index: int) -> None:
        super().__init__(c_in, colors, w_dim, w_index, PLAIN)
        self.add_weight([colors, c_in, 1, 1], init_std=std_at_start(c_in))
        self.affine = AffineAroundStart(w_dim, style_at_start(c_in, c_in), std_at_start(w_dim))
