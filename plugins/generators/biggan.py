"""The generator of BigGAN: residual blocks whose normalizations follow the label and a part of the latent each.

Source: arXiv:1809.11096 section 3 and appendix B, tables 4 to 6, and its code. z is cut into as many parts as there are
resolutions; the first makes the maps of 4x4, and every block gets one more, beside an embedding of the label that all
share, as its condition. A normalization that ignores the condition is followed by a gain and a shift from it, so
`batch` is BigGAN's conditional batch norm as `conditional_batch` is. Weights start orthogonal. The spectral norm of all
but the embedding is chosen as in any network, `weight_normalization: spectral`.
"""

from collections.abc import Iterable
from itertools import pairwise

import torch
from pydantic import Field
from torch import Tensor

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
from gancore.nn.families.preactivation import Blocks, PreactivationBlock, ResidualSynthesis, Statistics


class BigGAN(BigGANGenerator):
    """Plugin `biggan`: latents [N, z_dim] to one image [N, C, R, R], R a power of two from 8."""

    class Config(BigGANOptions):
        z_dim: int = Field(
            120, ge=1, le=65536, description="size of the latent z; what its equal parts leave over is cut off"
        )
        channels: ChannelsConfig = ChannelsConfig(base=12288, max=1536)

    def __init__(self, cfg: Config, interface: Interface, normalize: Normalize) -> None:
        parts = len(resolutions(interface.resolution))
        super().__init__(cfg, interface, normalize, latents=cfg.z_dim // parts * parts)
        self.synthesis = BigGANSynthesis(cfg, interface, normalize, self.z_dim // parts, self.embedded)
        self.start()

    @classmethod
    def problems(cls, cfg: Config, context: Context) -> Iterable[str]:
        yield from super().problems(cfg, context)
        resolution = context.interface.resolution
        if cfg.z_dim < (parts := len(resolutions(resolution))):
            yield f"z_dim {cfg.z_dim} is too small: at {resolution}x{resolution} z is cut into {parts} parts"


class BigGANSynthesis(ResidualSynthesis):
    """ws [N, 1, z_dim + shared_dim] to one image. Blocks are named after their output: b8, b16, ..."""

    def __init__(
        self, cfg: BigGAN.Config, interface: Interface, normalize: Normalize, part: int, embedded: int
    ) -> None:
        """`part` numbers of z for every block, `embedded` ones of the label."""
        sizes, at = resolutions(interface.resolution), cfg.channels.at
        super().__init__(Projection(part, at(FIRST_RESOLUTION), FIRST_RESOLUTION, 1.0, None))
        self.sizes = [*[part] * len(sizes), embedded]
        sites = Sites("generator", 2 * len(sizes) - 1, styled=False, condition=embedded + part)
        statistics = Statistics(sites, conditioned(normalize), Blocks(bias=True, activation=cfg.activation))
        for below, size in pairwise(sizes):
            block = PreactivationBlock(statistics, f"b{size}", below, at(below), at(size), "up")
            self.add(f"b{size}", block, at(size) if size in cfg.attention else None)
        self.end(statistics, sizes[-1], at(sizes[-1]), interface.channels)

    def entered(self, ws: Tensor) -> tuple[Tensor, Iterable[Tensor]]:
        first, *parts, label = ws[:, 0].split(self.sizes, dim=1)
        return first, (torch.cat([label, part], dim=1) for part in parts)
