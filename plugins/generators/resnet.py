"""A generator of residual blocks without styles: statistic, ReLU, convolution, twice in each.

Sources: arXiv:1704.00028 (WGAN-GP) and arXiv:1802.05957 (SNGAN), their networks for CIFAR-10: a projection to 4x4,
a block for each doubling of the size, statistic, ReLU, a convolution and tanh. Glorot initialization.
Labels, if any, enter beside z (arXiv:1411.1784), or only by a normalization that depends on them, as in
arXiv:1802.05637: `labels: normalization` with `conditional_batch`.
Differs: see gancore/nn/families/preactivation.py for biases.
"""

from collections.abc import Iterable
from itertools import pairwise, repeat

from pydantic import Field
from torch import Tensor

from gancore.contracts import Context, Interface, Later, Normalize
from gancore.nn import (
    FIRST_RESOLUTION,
    ChannelsConfig,
    LabelEntry,
    LatentGenerator,
    LatentOptions,
    Projection,
    Sites,
    inputs_of,
    label_in,
    label_problems,
    resolution_problems,
    resolutions,
)
from gancore.nn.families.preactivation import (
    AttentionSizes,
    BlockActivation,
    Blocks,
    PreactivationBlock,
    ResidualSynthesis,
    Statistics,
    attention_problems,
    glorot_std,
)


class ResNet(LatentGenerator):
    """Plugin `resnet`: latents [N, z_dim] to one image [N, C, R, R], R a power of two."""

    class Config(LatentOptions):
        z_dim: int = Field(128, ge=1, le=65536, description="size of the latent z")
        channels: ChannelsConfig = ChannelsConfig(base=8192, max=256)
        labels: LabelEntry = "input"
        attention: Later[AttentionSizes] = ()
        activation: BlockActivation = "relu"
        conv_bias: Later[bool] = Field(
            False, description="biases in the convolutions, in place of those before the activations"
        )

    def __init__(self, cfg: Config, interface: Interface, normalize: Normalize) -> None:
        super().__init__(cfg, interface, normalize)
        self.synthesis = ResNetSynthesis(cfg, interface, normalize)

    @classmethod
    def problems(cls, cfg: Config, context: Context) -> Iterable[str]:
        yield from resolution_problems(context.interface.resolution)
        yield from label_problems(cfg.labels, context)
        yield from attention_problems(cfg.attention, 2 * FIRST_RESOLUTION, context.interface.resolution)


class ResNetSynthesis(ResidualSynthesis):
    """ws [N, 1, w_dim] to one image. Blocks are named after their output: b8, b16, ..."""

    def __init__(self, cfg: ResNet.Config, interface: Interface, normalize: Normalize) -> None:
        sizes, at = resolutions(interface.resolution), cfg.channels.at
        inputs, first = inputs_of(cfg.labels, cfg.z_dim, interface.label_dim), at(FIRST_RESOLUTION)
        std = glorot_std(inputs, first * FIRST_RESOLUTION**2)
        super().__init__(Projection(inputs, first, FIRST_RESOLUTION, std, None))
        self.inputs, self.label_dim = inputs, interface.label_dim
        sites = Sites("generator", 2 * len(sizes) - 1, styled=False, condition=interface.label_dim)
        statistics = Statistics(sites, normalize, Blocks(cfg.conv_bias, activation=cfg.activation))
        for below, size in pairwise(sizes):
            block = PreactivationBlock(statistics, f"b{size}", below, at(below), at(size), "up")
            self.add(f"b{size}", block, at(size) if size in cfg.attention else None)
        self.end(statistics, sizes[-1], at(sizes[-1]), interface.channels)

    def entered(self, ws: Tensor) -> tuple[Tensor, Iterable[Tensor | None]]:
        return ws[:, 0, : self.inputs], repeat(label_in(ws, self.label_dim), len(self.blocks))
