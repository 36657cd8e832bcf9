"""The generator of FastGAN: gated convolutions with noise, and maps that excite those of a layer far behind them.

Source: arXiv:2101.04775 section 3.1 (skip-layer excitation: equation 1) and its code; as in Projected GAN
(arXiv:2111.01007), whose blocks are all double, whose z is normalized, and whose labels enter by conditional batch norm
on an embedding. A layer is a convolution, noise, normalization and a gated linear unit: one half of its maps times the
sigmoid of the other. Weights start at N(0, 0.02), gains at N(1, 0.02).
Differs: FastGAN's code paints a second image at 128x128 for its own discriminator; here is one image.
"""

from collections.abc import Iterable
from functools import partial
from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from gancore.contracts import Context, Images, Interface, Normalize, Pass, Synthesis
from gancore.nn import (
    FIRST_RESOLUTION,
    ChannelsConfig,
    Conv2d,
    Convolve,
    LabelEntry,
    LatentGenerator,
    LatentOptions,
    Linear,
    SharedEmbedding,
    Sites,
    StatisticLayer,
    dense_conv2d,
    gained,
    inputs_of,
    label_in,
    label_problems,
    resolution_problems,
    resolutions,
)

LARGEST_EXCITING = 32
"""Size of the largest maps that excite others."""


class FastGAN(LatentGenerator):
    """Plugin `fastgan`: latents [N, z_dim] to one image [N, C, R, R], R a power of two from 8."""

    class Config(LatentOptions):
        z_dim: int = Field(256, ge=1, le=65536, description="size of the latent z")
        channels: ChannelsConfig = ChannelsConfig(each=(1024, 512, 256, 128, 128, 64, 32, 16, 8))
        blocks: Literal["alternating", "double", "single"] = Field(
            "alternating",
            description="layers of a block: two with noise (double), one without (single), or double at 8x8, single at "
            "16x16 and so on",
        )
        excitation: Literal[2, 4, 8, 16, 32] = Field(
            16, description="how many times wider than the maps that excite them the excited maps are"
        )
        normalize_z: bool = Field(False, description="latents scaled to a root mean square of 1")
        labels: LabelEntry = "input"
        embed_features: int | None = Field(
            None, ge=1, le=65536, description="size of an embedding of the label; null: the label itself"
        )
        init_std: float = Field(
            0.02, gt=0, description="standard deviation of the initial weights, and of the gains around 1"
        )
        output: Literal["linear", "tanh"] = Field("linear", description="what images pass through at the end")

    def __init__(self, cfg: Config, interface: Interface, normalize: Normalize) -> None:
        super().__init__(cfg, interface, normalize)
        embedded = (cfg.embed_features or interface.label_dim) if interface.label_dim else 0
        self.w_dim = cfg.z_dim + embedded
        self.mapping = SharedEmbedding(interface.label_dim, cfg.embed_features, cfg.normalize_z)
        self.synthesis = FastGANSynthesis(cfg, interface, normalize, embedded)

    @classmethod
    def problems(cls, cfg: Config, context: Context) -> Iterable[str]:
        yield from resolution_problems(context.interface.resolution, least=2 * FIRST_RESOLUTION)
        yield from label_problems(cfg.labels, context)


class FastGANSynthesis(Synthesis):
    """ws [N, 1, z_dim + embedded] to one image. Blocks are named after their output: b4, b8, ..."""

    def __init__(self, cfg: FastGAN.Config, interface: Interface, normalize: Normalize, embedded: int) -> None:
        super().__init__()
        self.sizes, at, self.output = resolutions(interface.resolution), cfg.channels.at, cfg.output
        self.embedded, self.inputs = embedded, inputs_of(cfg.labels, cfg.z_dim, embedded)
        doubles = [_is_double(cfg.blocks, size) for size in self.sizes[1:]]
        sites = Sites("generator", 1 + len(doubles) + sum(doubles), styled=False, condition=embedded)
        build = Builder(normalize, sites, cfg.init_std)
        self.b4 = build.first("b4", self.inputs, at(FIRST_RESOLUTION))
        for size, double in zip(self.sizes[1:], doubles, strict=True):
            self.add_module(f"b{size}", build.block(f"b{size}", size, at(size // 2), at(size), double))
        self.excitations = nn.ModuleDict(
            {
                f"b{low * cfg.excitation}": Excitation(at(low), at(low * cfg.excitation), cfg.init_std)
                for low in self.sizes
                if low * cfg.excitation <= self.sizes[-1] and low <= LARGEST_EXCITING
            }
        )
        self.excitation = cfg.excitation
        self.torgb = Conv2d(at(self.sizes[-1]), interface.channels, 3, init_std=cfg.init_std)

    def forward(self, ws: Tensor, how: Pass) -> Images:
        condition = label_in(ws, self.embedded)
        x = self.b4(ws[:, 0, : self.inputs, None, None], how)
        maps = {FIRST_RESOLUTION: x}
        for size in self.sizes[1:]:
            x = self.get_submodule(f"b{size}")(x, how, condition)
            if f"b{size}" in self.excitations:
                x = self.excitations[f"b{size}"](x, maps[size // self.excitation])
            maps[size] = x
        image = self.torgb(x)
        return (image.tanh() if self.output == "tanh" else image,)


class Excitation(nn.Module):
    """Skip-layer excitation: [N, C, H, W] times a gate a map, made of maps [N, c, h, w], h and w multiples of 4."""

    def __init__(self, low: int, high: int, init_std: float) -> None:
        super().__init__()
        self.fc0, self.fc1 = (Linear(c_in, high, None, init_std=init_std) for c_in in (low * 4**2, high))

    def forward(self, x: Tensor, low: Tensor) -> Tensor:
        pooled = F.avg_pool2d(low, low.shape[2] // 4).flatten(1)
        gate = self.fc1(F.silu(self.fc0(pooled))).sigmoid()
        return x * gate.to(x.dtype)[:, :, None, None]


class GatedLayer(nn.Module):
    """A convolution, noise, statistic and bias, and a gated linear unit that halves the number of maps."""

    noise_const: Tensor

    def __init__(self, conv: Conv2d, tail: StatisticLayer, noise: bool) -> None:
        super().__init__()
        self.conv, self.tail, self.noise = conv, tail, noise
        if noise:
            resolution = tail.normalization.site.resolution
            self.register_buffer("noise_const", torch.randn(resolution, resolution))
            self.noise_strength = nn.Parameter(torch.zeros([]))

    def forward(self, x: Tensor, how: Pass, condition: Tensor | None = None) -> Tensor:
        return self.finished(self.conv(x, scales=self.tail.normalization), how, condition)

    def finished(self, y: Tensor, how: Pass, condition: Tensor | None = None) -> Tensor:
        """What follows the convolution."""
        site = self.tail.normalization.site
        image = how.noise(f"noise.{site.name}", self.noise_const, y.shape[0]) if self.noise else None
        if image is not None:
            y = y + (image * self.noise_strength).to(y.dtype)
        return F.glu(self.tail(y, scaled_before=True, condition=condition), dim=1)


class GatedBlock(nn.Module):
    """Twice the size: one layer, or two with noise."""

    def __init__(self, layers: Iterable[GatedLayer]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, x: Tensor, how: Pass, condition: Tensor | None) -> Tensor:
        layer: Any
        for layer in self.layers:
            x = layer.finished(layer.conv(x, scales=layer.tail.normalization), how, condition)
        return x


class FirstConv2d(Conv2d):
    """[N, in, 1, 1] to [N, out, 4, 4]."""

    @property
    def convolve(self) -> Convolve:
        return dense_conv2d


class Builder:
    """Makes the layers, each with its normalization."""

    def __init__(self, normalize: Normalize, sites: Sites, init_std: float) -> None:
        self.normalize, self.sites, self.init_std = gained(normalize, init_std), sites, init_std

    def first(self, name: str, inputs: int, channels: int) -> GatedLayer:
        """The latent to the first maps; a label reaches its normalization in none of the published networks."""
        conv = FirstConv2d(inputs, 2 * channels, FIRST_RESOLUTION, bias=False, init_std=self.init_std)
        return GatedLayer(conv, self._tail(name, FIRST_RESOLUTION, inputs, 2 * channels, conditioned=False), False)

    def block(self, name: str, size: int, c_in: int, c_out: int, double: bool) -> GatedBlock:
        conv = partial(Conv2d, bias=False, resample_filter=None, resampling="box", init_std=self.init_std)
        layers = [(conv(c_in, 2 * c_out, sampling="up"), c_in)]
        if double:
            layers.append((conv(c_out, 2 * c_out), c_out))
        return GatedBlock(
            GatedLayer(layer, self._tail(f"{name}.layers.{i}", size, width, 2 * c_out), double)
            for i, (layer, width) in enumerate(layers)
        )

    def _tail(self, name: str, size: int, c_in: int, c_out: int, conditioned: bool = True) -> StatisticLayer:
        return StatisticLayer(self.normalize(self.sites.next(name, size, c_in, c_out, conditioned)))


def _is_double(blocks: str, size: int) -> bool:
    """FastGAN's blocks at 8, 32, 128 and 512 are double."""
    return blocks == "double" or (blocks == "alternating" and size.bit_length() % 2 == 0)
