"""The generator of BigGAN-deep: bottleneck blocks, two a resolution, all of the latent and the label in every one.

Source: arXiv:1809.11096 appendix B and its code. A block is four convolutions, 1x1, 3x3, 3x3 and 1x1, each behind a
normalization with its gain and shift and an activation, at a quarter of the block's width. The shortcut has no layer:
it drops maps where the block has fewer at its end. The first block of a resolution keeps size and width, the last one
changes both. Condition of all blocks, and input of the first layer, is the shared embedding of the label beside the
whole of z. Weights start orthogonal; see the generator `biggan` for the rest.
"""

from collections.abc import Iterable
from itertools import pairwise, product, repeat

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from gancore.contracts import Context, Interface, Normalize
from gancore.nn import (
    FIRST_RESOLUTION,
    ChannelsConfig,
    Projection,
    Sites,
    conditioned,
    resolutions,
)
from gancore.nn.families.biggan import BigGANGenerator, BigGANOptions
from gancore.nn.families.preactivation import Blocks, ResidualSynthesis, Statistics, conv


class BigGANDeep(BigGANGenerator):
    """Plugin `biggan_deep`: latents [N, z_dim] to one image [N, C, R, R], R a power of two from 8."""

    class Config(BigGANOptions):
        z_dim: int = Field(128, ge=1, le=65536, description="size of the latent z")
        channels: ChannelsConfig = ChannelsConfig(base=16384, max=2048)
        blocks: int = Field(2, ge=1, le=64, description="blocks a resolution; the last of them doubles the size")
        reduction: int = Field(4, ge=1, le=64, description="maps of a block to those between its convolutions")

    def __init__(self, cfg: Config, interface: Interface, normalize: Normalize) -> None:
        super().__init__(cfg, interface, normalize)
        self.synthesis = BigGANDeepSynthesis(cfg, interface, normalize, self.embedded)
        self.start()

    @classmethod
    def problems(cls, cfg: Config, context: Context) -> Iterable[str]:
        yield from super().problems(cfg, context)
        resolution = context.interface.resolution
        if any(cfg.channels.at(size) > cfg.channels.at(below) for below, size in pairwise(resolutions(resolution))):
            yield "its shortcuts drop maps, and cannot add any: channels must not grow with the resolution"


class BigGANDeepSynthesis(ResidualSynthesis):
    """ws [N, 1, z_dim + shared_dim] to one image. Blocks are named after the size that they lead to: b8_0, b8_1"""

    def __init__(self, cfg: BigGANDeep.Config, interface: Interface, normalize: Normalize, embedded: int) -> None:
        sizes, at, inputs = resolutions(interface.resolution), cfg.channels.at, cfg.z_dim + embedded
        super().__init__(Projection(inputs, at(FIRST_RESOLUTION), FIRST_RESOLUTION, 1.0, None))
        self.parts = [cfg.z_dim, embedded]
        total = 4 * cfg.blocks * (len(sizes) - 1) + 1
        sites = Sites("generator", total, styled=False, condition=inputs)
        statistics = Statistics(sites, conditioned(normalize), Blocks(bias=True, activation=cfg.activation))
        for (below, size), i in product(pairwise(sizes), range(cfg.blocks)):
            last = i == cfg.blocks - 1
            name, c_out = f"b{size}_{i}", at(size) if last else at(below)
            block = DeepBlock(statistics, name, below, at(below), c_out, cfg.reduction, up=last)
            self.add(name, block, at(size) if size in cfg.attention and last else None)
        self.end(statistics, sizes[-1], at(sizes[-1]), interface.channels)

    def entered(self, ws: Tensor) -> tuple[Tensor, Iterable[Tensor]]:
        z, label = ws[:, 0].split(self.parts, dim=1)
        condition = torch.cat([label, z], dim=1)
        return condition, repeat(condition, len(self.blocks))


class DeepBlock(nn.Module):
    """[N, c_in, r, r] to [N, c_out, r, r], or to twice the size; c_out is at most c_in."""

    def __init__(
        self, statistics: Statistics, name: str, resolution: int, c_in: int, c_out: int, reduction: int, up: bool
    ) -> None:
        super().__init__()
        self.c_out, self.up = c_out, up
        hidden, after = max(c_in // reduction, 1), resolution * 2 if up else resolution
        self.act0 = statistics.at(f"{name}.act0", resolution, c_in)
        self.conv0 = conv(c_in, hidden, 1, bias=True)
        self.act1 = statistics.at(f"{name}.act1", resolution, hidden, c_in)
        self.conv1 = conv(hidden, hidden, 3, "up" if up else None, bias=True)
        self.act2 = statistics.at(f"{name}.act2", after, hidden, hidden)
        self.conv2 = conv(hidden, hidden, 3, bias=True)
        self.act3 = statistics.at(f"{name}.act3", after, hidden, hidden)
        self.conv3 = conv(hidden, c_out, 1, bias=True)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        y = self.conv0(self.act0(x, condition=condition), scales=self.act1.normalization)
        for act, layer, following in (
            (self.act1, self.conv1, self.act2.normalization),
            (self.act2, self.conv2, self.act3.normalization),
            (self.act3, self.conv3, None),
        ):
            y = layer(act(y, scaled_before=True, condition=condition), scales=following)
        x = x[:, : self.c_out]
        return y + (F.interpolate(x, scale_factor=2, mode="nearest") if self.up else x)
