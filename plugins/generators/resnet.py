"""A generator of residual blocks without styles: statistic, ReLU, convolution, twice in each.

Sources: arXiv:1704.00028 (WGAN-GP) and arXiv:1802.05957 (SNGAN), their networks for CIFAR-10: a projection to 4x4,
a block for each doubling of the size, statistic, ReLU, a convolution and tanh. Glorot initialization.
Differs: labels, where there are any, enter beside z; see gancore/nn/families/preactivation.py for biases.
"""

from collections.abc import Iterable
from itertools import pairwise

from pydantic import Field
from torch import Tensor

from gancore.contracts import Context, Images, Interface, Normalize, Pass, Synthesis
from gancore.nn import (
    FIRST_RESOLUTION,
    ChannelsConfig,
    LatentGenerator,
    LatentOptions,
    Projection,
    Sites,
    label_in,
    resolution_problems,
    resolutions,
)
from gancore.nn.families.preactivation import PreactivationBlock, Statistics, conv, glorot_std


class ResNet(LatentGenerator):
    """Plugin `resnet`: latents [N, z_dim] to one image [N, C, R, R], R a power of two."""

    class Config(LatentOptions):
        z_dim: int = Field(128, ge=1, le=65536, description="size of the latent z")
        channels: ChannelsConfig = ChannelsConfig(base=8192, max=256)

    def __init__(self, cfg: Config, interface: Interface, normalize: Normalize) -> None:
        super().__init__(cfg, interface, normalize)
        self.synthesis = ResNetSynthesis(cfg.channels, interface, normalize, self.w_dim)

    @classmethod
    def problems(cls, cfg: Config, context: Context) -> Iterable[str]:
        return resolution_problems(context.interface.resolution)


class ResNetSynthesis(Synthesis):
    """ws [N, 1, w_dim] to one image. Blocks are named after their output: b8, b16, ..."""

    def __init__(self, channels: ChannelsConfig, interface: Interface, normalize: Normalize, w_dim: int) -> None:
        super().__init__()
        sizes, at = resolutions(interface.resolution), channels.at
        sites = Sites("generator", 2 * len(sizes) - 1, styled=False, condition=interface.label_dim)
        statistics, self.label_dim = Statistics(sites, normalize), interface.label_dim
        first = at(FIRST_RESOLUTION)
        std = glorot_std(w_dim, first * FIRST_RESOLUTION**2)
        self.b4 = Projection(w_dim, first, FIRST_RESOLUTION, std, None)
        self.blocks = [f"b{size}" for size in sizes[1:]]
        for below, size in pairwise(sizes):
            self.add_module(f"b{size}", PreactivationBlock(statistics, f"b{size}", below, at(below), at(size), "up"))
        self.act = statistics.at("act", sizes[-1], at(sizes[-1]), conditioned=False)
        self.torgb = conv(at(sizes[-1]), interface.channels, 3, bias=True)

    def forward(self, ws: Tensor, how: Pass) -> Images:
        x, condition = self.b4(ws[:, 0]), label_in(ws, self.label_dim)
        for name in self.blocks:
            x = self.get_submodule(name)(x, condition=condition)
        return (self.torgb(self.act(x)).tanh(),)
