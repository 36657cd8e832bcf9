"""Bottleneck residual blocks that need no normalization: x + conv1x1(act(grouped conv3x3(act(conv1x1(x))))).

Source: arXiv:2501.05441 section 3.2 (R3GAN) and its code: ordinary weights without equalized learning rate, no bias but
those of the two leaky ReLUs, and an initialisation after arXiv:1901.09321 (Fixup), which keeps the variance of a
stack of residual blocks: the last convolution of each starts at 0, the others have the gain V ** (-1/4) beside that of
the leaky ReLU, where V is the number of blocks of the network.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

from pydantic import Field
from torch import Tensor, nn

from gancore.contracts import Normalization, Normalize
from gancore.contracts.types import Network
from gancore.nn.activation import LINEAR, Activation
from gancore.nn.kernels.resample import downsample2d, upsample2d
from gancore.nn.kernels.resampled_conv import Convolve, Sampling, same_conv2d
from gancore.nn.layers import Conv2d, Linear, register_filter
from gancore.nn.options import ChannelsConfig, FilterTaps, of_level
from gancore.nn.sites import Sites, resolutions
from gancore.options import Later, PluginConfig

LEAKY = Activation(0.2)
LEAKY_GAIN = math.sqrt(2 / (1 + LEAKY.slope**2))
"""Keeps the variance of activations through a leaky ReLU (arXiv:1502.01852)."""


class BottleneckOptions(PluginConfig):
    """Options that the generator and the discriminator of bottleneck blocks share. The defaults are R3GAN's."""

    blocks: int = Field(2, ge=1, le=64, description="residual blocks a resolution")
    expansion: int = Field(2, ge=1, le=16, description="feature maps within a block, relative to those around it")
    group_size: int = Field(
        16,
        ge=1,
        description="feature maps in a group of the 3x3 convolutions; the greatest common divisor with their number",
    )
    blocks_each: Later[tuple[Annotated[int, Field(ge=1, le=64)], ...] | None] = Field(
        None, strict=False, min_length=1, description="instead of blocks: their numbers at 4x4, 8x8, ..."
    )
    group_size_each: Later[tuple[Annotated[int, Field(ge=1)], ...] | None] = Field(
        None, strict=False, min_length=1, description="instead of group_size: the sizes at 4x4, 8x8, ..."
    )
    resample_filter: FilterTaps = Field((1.0, 3.0, 3.0, 1.0), description="FIR taps")


@dataclass(frozen=True)
class Level:
    """The blocks of one resolution: `width` feature maps, `hidden` ones within a block, in `groups`."""

    resolution: int
    width: int
    hidden: int
    groups: int
    blocks: int


def levels_of(cfg: BottleneckOptions, channels: ChannelsConfig, resolution: int) -> list[Level]:
    """The levels from 4x4 to `resolution`."""

    def level(r: int) -> Level:
        hidden, size = channels.at(r) * cfg.expansion, of_level(cfg.group_size_each, r, cfg.group_size)
        blocks = of_level(cfg.blocks_each, r, cfg.blocks)
        return Level(r, channels.at(r), hidden, hidden // math.gcd(hidden, size), blocks)

    return [level(r) for r in resolutions(resolution)]


class Builder:
    """Makes the residual blocks of a network, each with its normalization."""

    def __init__(self, network: Network, levels: Sequence[Level], normalize: Normalize, condition: int) -> None:
        total = sum(level.blocks for level in levels)
        self.normalize, self.sites = normalize, Sites(network, total, styled=False, condition=condition)
        self.gain = LEAKY_GAIN * total**-0.25

    def blocks(self, level: Level) -> nn.ModuleList:
        return nn.ModuleList(self._block(level, i) for i in range(level.blocks))

    def _block(self, level: Level, index: int) -> "BottleneckBlock":
        name = f"b{level.resolution}.blocks.{index}.conv1"
        site = self.sites.next(name, level.resolution, level.hidden, level.hidden)
        return BottleneckBlock(level, self.gain, self.normalize(site))


class GroupedConv2d(Conv2d):
    """A 3x3 convolution in groups of feature maps, normalized, with bias and leaky ReLU: [N, C, H, W] to the same."""

    def __init__(self, channels: int, groups: int, init_gain: float, normalization: Normalization) -> None:
        super().__init__(
            channels // groups,
            channels,
            activation=LEAKY,
            normalization=normalization,
            init_std=init_gain / math.sqrt(9 * channels // groups),
        )
        self.groups = groups

    @property
    def convolve(self) -> Convolve:
        return partial(same_conv2d, groups=self.groups)


class BottleneckBlock(nn.Module):
    """The three convolutions of a block, each with its activation; `conv1` is the normalized one."""

    def __init__(self, level: Level, gain: float, normalization: Normalization) -> None:
        super().__init__()
        self.conv0 = conv1x1(level.width, level.hidden, gain, LEAKY)
        self.conv1 = GroupedConv2d(level.hidden, level.groups, gain, normalization)
        self.conv2 = conv1x1(level.hidden, level.width, 0)


class BottleneckLevel(nn.Module):
    """The residual blocks of one resolution. A network calls `enter` before them and `leave` after them."""

    blocks: Any
    torgb: Conv2d | None
    fromrgb: Conv2d | None

    def __init__(self, blocks: nn.ModuleList, enter: nn.Module | None = None, leave: nn.Module | None = None) -> None:
        super().__init__()
        self.enter, self.blocks, self.leave = enter, blocks, leave

    def forward(self, x: Tensor, parts: int = 1, condition: Tensor | None = None) -> Tensor:
        """[N, C, H, W] to the same; each block computes x + conv2(conv1(conv0(x)))."""
        for block in self.blocks:
            x = x + block.conv2(block.conv1(block.conv0(x), parts=parts, condition=condition))
        return x


class Transition(nn.Module):
    """Twice or half the size by an FIR filter; with a 1x1 convolution before or after it if the width changes."""

    resample_filter: Tensor

    def __init__(self, c_in: int, c_out: int, sampling: Sampling, taps: Sequence[float]) -> None:
        super().__init__()
        self.resample = upsample2d if sampling == "up" else downsample2d
        std = 1 / math.sqrt(c_in)
        self.conv = None if c_in == c_out else Conv2d(c_in, c_out, 1, False, sampling, taps, init_std=std)
        register_filter(self, taps)

    def forward(self, x: Tensor) -> Tensor:
        return self.resample(x, self.resample_filter) if self.conv is None else self.conv(x)


def conv1x1(c_in: int, c_out: int, gain: float = 1.0, activation: Activation | None = None) -> Conv2d:
    """Weights N(0, gain^2 / c_in); a bias where there is an activation."""
    std = gain / math.sqrt(c_in)
    return Conv2d(c_in, c_out, 1, bias=activation is not None, activation=activation or LINEAR, init_std=std)


def linear(c_in: int, c_out: int, gain: float = 1.0) -> Linear:
    """Weights N(0, gain^2 / c_in), no bias."""
    return Linear(c_in, c_out, bias_init=None, init_std=gain / math.sqrt(c_in))
