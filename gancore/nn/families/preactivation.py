"""Residual blocks whose branch begins with statistic and activation (arXiv:1603.05027), as in the GANs of 2017.

    x + conv(act(conv(act(x)))), resampled between: nearest-neighbour up in the first convolution, 2x2 averages down
    after the second; a 1x1 convolution beside the branch where size or channels change.

Sources: arXiv:1704.00028 and arXiv:1802.05957, whose first block of a discriminator has no activation before it;
arXiv:1809.11096 (BigGAN) with wider blocks in the discriminator, self-attention and orthogonal weights.
Differs: unless `Blocks.bias` is set, biases are not in the convolutions but before the activations, where no statistic
removes them.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor, nn

from gancore.contracts import Images, Normalize, Pass, Synthesis
from gancore.nn.activation import ActivationName, activation_of
from gancore.nn.attention import SelfAttention
from gancore.nn.kernels.resampled_conv import Sampling
from gancore.nn.layers import Conv2d, Weighted
from gancore.nn.normalized import has_statistic
from gancore.nn.sites import Sites, resolutions
from gancore.nn.unstyled import StatisticLayer, gained
from gancore.options import Later


def glorot_std(c_in: int, c_out: int, kernel: int = 1, gain: float = 1.0) -> float:
    """Standard deviation of the initial weights by Glorot and Bengio (AISTATS 2010)."""
    return gain * math.sqrt(2 / ((c_in + c_out) * kernel**2))


def conv(c_in: int, c_out: int, kernel: int, sampling: Sampling | None = None, bias: bool = False) -> Conv2d:
    """A convolution with box resampling and ordinary weights; gain sqrt(2) unless the kernel is a single pixel."""
    std = glorot_std(c_in, c_out, kernel, math.sqrt(2) if kernel > 1 else 1.0)
    return Conv2d(c_in, c_out, kernel, bias, sampling, None, "box", init_std=std)


AttentionSizes = Annotated[
    tuple[Annotated[int, Field(ge=2, le=1024)], ...],
    Field(strict=False, description="sizes of maps: self-attention follows every block with such an output"),
]
"""Sizes of maps with self-attention. The default is ()."""


def attention_problems(sizes: Iterable[int], least: int, most: int) -> Iterable[str]:
    """Why blocks whose outputs are `least` to `most` wide cannot have self-attention of these sizes."""
    known = [size for size in resolutions(most) if size >= least]
    for size in sizes:
        if size not in known:
            yield f"attention {size} is not the size of a block's output; there are {', '.join(map(str, known))}"


Shortcut = Literal["input", "activation"]
BlockActivation = Annotated[Later[ActivationName], Field(description="within the blocks, and behind the last")]
"""The activation of a network of these blocks. The default is relu."""


@dataclass(frozen=True)
class Blocks:
    """The differences between the blocks of published networks.

    bias: convolutions have biases; else the activations have them.
    wide: the first convolution of a block that does not upsample has the feature maps of the block's output.
    shortcut: the input of the shortcut: that of the block, or the output of its first activation.
    """

    bias: bool = False
    wide: bool = False
    shortcut: Shortcut = "input"
    activation: ActivationName = "relu"


class Statistics:
    """Makes the layers of statistic and activation of a network, each at its site."""

    def __init__(self, sites: Sites, normalize: Normalize, blocks: Blocks = Blocks()) -> None:
        self.sites, self.normalize, self.blocks = sites, gained(normalize), blocks

    def at(
        self, name: str, resolution: int, channels: int, c_in: int | None = None, conditioned: bool = True
    ) -> StatisticLayer:
        """`c_in`: channels that enter the convolution right before; None: there is none."""
        normalization = self.normalize(self.sites.next(name, resolution, c_in or channels, channels, conditioned))
        activation, bias = activation_of(self.blocks.activation, None), not self.blocks.bias
        return StatisticLayer(normalization, activation, bias or has_statistic(normalization))


class PreactivationBlock(nn.Module):
    """[N, c_in, r, r] to [N, c_out, r', r'], with r' = r, 2 r (up) or r / 2 (down)."""

    def __init__(
        self,
        statistics: Statistics,
        name: str,
        resolution: int,
        c_in: int,
        c_out: int,
        sampling: Sampling | None = None,
        first: bool = False,
    ) -> None:
        """`resolution` is that of the input; `first` leaves out the activation before the branch."""
        super().__init__()
        self.shortcut = statistics.blocks.shortcut
        up, down = (sampling if sampling == way else None for way in ("up", "down"))
        hidden, bias = c_out if up or first or statistics.blocks.wide else c_in, statistics.blocks.bias
        self.act0 = None if first else statistics.at(f"{name}.act0", resolution, c_in)
        self.conv0 = conv(c_in, hidden, 3, up, bias)
        self.act1 = statistics.at(f"{name}.act1", resolution * 2 if up else resolution, hidden, c_in)
        self.conv1 = conv(hidden, c_out, 3, down, bias)
        self.skip = conv(c_in, c_out, 1, sampling, bias) if sampling or c_in != c_out else None

    def forward(self, x: Tensor, parts: int = 1, condition: Tensor | None = None) -> Tensor:
        y = x if self.act0 is None else self.act0(x, parts, condition=condition)
        x = y if self.shortcut == "activation" else x
        y = self.conv0(y, scales=self.act1.normalization)
        y = self.conv1(self.act1(y, parts, scaled_before=True, condition=condition))
        return y + (x if self.skip is None else self.skip(x))


class ResidualSynthesis(Synthesis):
    """The base of syntheses of residual blocks: maps of 4x4, blocks with self-attention behind some, one image.

    A subclass calls `add` for each block from the coarsest on, then `end`, and says what enters (`entered`).
    """

    def __init__(self, first: nn.Module) -> None:
        """`first` makes the maps of 4x4."""
        super().__init__()
        self.b4, self.blocks, self.attention = first, list[str](), nn.ModuleDict()

    def add(self, name: str, block: nn.Module, attended: int | None = None) -> None:
        """Appends a block; `attended` is the number of its feature maps if self-attention follows."""
        self.add_module(name, block)
        self.blocks.append(name)
        if attended is not None:
            self.attention[name] = SelfAttention(attended)

    def end(self, statistics: Statistics, resolution: int, channels: int, image_channels: int) -> None:
        """Adds the last statistic and activation, and the convolution to images."""
        self.act = statistics.at("act", resolution, channels, conditioned=False)
        self.torgb = conv(channels, image_channels, 3, bias=True)

    def entered(self, ws: Tensor) -> tuple[Tensor, Iterable[Tensor | None]]:
        """What `first` takes of ws, and the condition of each block."""
        raise NotImplementedError

    def forward(self, ws: Tensor, how: Pass) -> Images:
        """Images [N, C, R, R] in (-1, 1)."""
        first, conditions = self.entered(ws)
        x = self.b4(first)
        for name, condition in zip(self.blocks, conditions, strict=True):
            x = self.get_submodule(name)(x, condition=condition)
            x = self.attention[name](x) if name in self.attention else x
        return (self.torgb(self.act(x)).tanh(),)


def start_orthogonal(network: nn.Module) -> None:
    """Initializes all layers, also those of normalizations, with orthogonal weights (arXiv:1809.11096 section 3)."""
    for layer in network.modules():
        if isinstance(layer, Weighted):
            nn.init.orthogonal_(layer.weight)
