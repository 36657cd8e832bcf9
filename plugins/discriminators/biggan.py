"""The discriminator of BigGAN: residual blocks with self-attention, the sum over all pixels, labels by projection.

Source: arXiv:1809.11096 appendix B, table 4, and its code: blocks halve the size down to 4x4 (`smallest`; 8x8 for
images of 32x32), one more keeps it (`flat_blocks`; two for 32x32). The spectral norm of every weight is chosen as in
any network, `weight_normalization: spectral`. Weights start orthogonal.
"""

from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from gancore.contracts import Context, Interface, Normalize, PluginConfig
from gancore.nn import ChannelsConfig, InheritedChannels, resolution_problems
from gancore.nn.families.preactivation import (
    AttentionSizes,
    BlockActivation,
    Blocks,
    Shortcut,
    attention_problems,
    start_orthogonal,
)
from gancore.nn.families.residual import ResidualDiscriminator


class BigGAN(ResidualDiscriminator):
    """Plugin `biggan`: one image to logits [N]. Blocks are named after their input, those at the end flat0, flat1."""

    class Config(PluginConfig):
        channels: InheritedChannels = None
        smallest: Literal[4, 8] = Field(4, description="size of the last maps, where halving ends")
        flat_blocks: int = Field(1, ge=0, le=64, description="blocks at the end that keep the size")
        attention: AttentionSizes = ()
        activation: BlockActivation = "relu"
        shortcut: Shortcut = Field(
            "input",
            description="input of the shortcut of a block: its input, or the output of its first activation, as in "
            "PyTorch-StudioGAN, which rectifies in place",
        )

    def __init__(self, cfg: Config, interface: Interface, normalize: Normalize) -> None:
        channels = cfg.channels or ChannelsConfig(base=6144, max=1536)
        last = min(cfg.smallest, interface.resolution // 2)
        blocks = Blocks(bias=True, wide=True, shortcut=cfg.shortcut, activation=cfg.activation)
        super().__init__(cfg, interface, normalize, channels, last, cfg.flat_blocks, blocks, cfg.attention)
        start_orthogonal(self)

    @classmethod
    def problems(cls, cfg: Config, context: Context) -> Iterable[str]:
        yield from resolution_problems(context.interface.resolution, least=8)
        yield from attention_problems(cfg.attention, cfg.smallest, context.interface.resolution // 2)
