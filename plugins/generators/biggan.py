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
from torch import Tensor, nn

from gancore.contracts import Context, Images, Interface, Normalize, Pass, Synthesis
from gancore.nn import (
    FIRST_RESOLUTION,
    ChannelsConfig,
    LatentGenerator,
    LatentOptions,
    Projection,
    SelfAttention,
    SharedEmbedding,
    Sites,
    conditioned,
    resolution_problems,
    resolutions,
)
from gancore.nn.families.preactivation import (
    AttentionSizes,
    BlockActivation,
    Blocks,
    PreactivationBlock,
    Statistics,
    attention_problems,
    conv,
    start_orthogonal,
)


class BigGAN(LatentGenerator):
    """Plugin `biggan`: latents [N, z_dim] to one image [N, C, R, R], R a power of two from 8."""

    class Config(LatentOptions):
        z_dim: int = Field(
            120, ge=1, le=65536, description="size of the latent z; what its equal parts leave over is cut off"
        )
        shared_dim: int = Field(128, ge=1, le=65536, description="size of the embedding of the label")
        channels: ChannelsConfig = ChannelsConfig(base=12288, max=1536)
        attention: AttentionSizes = ()
        activation: BlockActivation = "relu"

    def __init__(self, cfg: Config, interface: Interface, normalize: Normalize) -> None:
        parts = len(resolutions(interface.resolution))
        super().__init__(cfg, interface, normalize, latents=cfg.z_dim // parts * parts)
        embedded = cfg.shared_dim if interface.label_dim else 0
        self.w_dim = self.z_dim + embedded
        self.mapping = SharedEmbedding(interface.label_dim, embedded)
        self.synthesis = BigGANSynthesis(cfg, interface, normalize, self.z_dim // parts, embedded)
        start_orthogonal(self)
        if self.mapping.embedding is not None:
            nn.init.orthogonal_(self.mapping.embedding)

    @classmethod
    def problems(cls, cfg: Config, context: Context) -> Iterable[str]:
        resolution = context.interface.resolution
        yield from resolution_problems(resolution, least=2 * FIRST_RESOLUTION)
        yield from attention_problems(cfg.attention, 2 * FIRST_RESOLUTION, resolution)
        if cfg.z_dim < (parts := len(resolutions(resolution))):
            yield f"z_dim {cfg.z_dim} is too small: at {resolution}x{resolution} z is cut into {parts} parts"


class BigGANSynthesis(Synthesis):
    """ws [N, 1, z_dim + shared_dim] to one image. Blocks are named after their output: b8, b16, ..."""

    def __init__(
        self, cfg: BigGAN.Config, interface: Interface, normalize: Normalize, part: int, embedded: int
    ) -> None:
        """`part` numbers of z for every block, `embedded` ones of the label."""
        super().__init__()
        sizes, at = resolutions(interface.resolution), cfg.channels.at
        self.sizes = [*[part] * len(sizes), embedded]
        sites = Sites("generator", 2 * len(sizes) - 1, styled=False, condition=embedded + part)
        statistics = Statistics(sites, conditioned(normalize), Blocks(bias=True, activation=cfg.activation))
        self.b4 = Projection(part, at(FIRST_RESOLUTION), FIRST_RESOLUTION, 1.0, None)
        self.blocks, self.attention = [f"b{size}" for size in sizes[1:]], nn.ModuleDict()
        for below, size in pairwise(sizes):
            self.add_module(f"b{size}", PreactivationBlock(statistics, f"b{size}", below, at(below), at(size), "up"))
            if size in cfg.attention:
                self.attention[f"b{size}"] = SelfAttention(at(size))
        self.act = statistics.at("act", sizes[-1], at(sizes[-1]), conditioned=False)
        self.torgb = conv(at(sizes[-1]), interface.channels, 3, bias=True)

    def forward(self, ws: Tensor, how: Pass) -> Images:
        first, *parts, label = ws[:, 0].split(self.sizes, dim=1)
        x = self.b4(first)
        for name, part in zip(self.blocks, parts, strict=True):
            x = self.get_submodule(name)(x, condition=torch.cat([label, part], dim=1))
            x = self.attention[name](x) if name in self.attention else x
        return (self.torgb(self.act(x)).tanh(),)
