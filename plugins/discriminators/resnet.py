"""A discriminator of residual blocks: ReLU, convolution, twice in each, and the sum over all pixels at the end.

Source: arXiv:1802.05957 (SNGAN), its network for CIFAR-10: blocks that halve the size down to 8x8, two that keep it, a
sum over pixels, one linear layer. WGAN-GP's (arXiv:1704.00028) has the mean instead. Labels by projection
(arXiv:1802.05637). Glorot initialization.
Differs: see gancore/nn/families/preactivation.py for biases.
"""

from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from gancore.contracts import Context, Interface, Later, Normalize, PluginConfig
from gancore.nn import ChannelsConfig, InheritedChannels, resolution_problems
from gancore.nn.families.preactivation import BlockActivation, Blocks
from gancore.nn.families.residual import ResidualDiscriminator

SMALLEST = 8
"""Where halving ends."""


class ResNet(ResidualDiscriminator):
    """Plugin `resnet`: one image to logits [N]. Blocks are named after their input, those at the end flat0, flat1."""

    class Config(PluginConfig):
        channels: InheritedChannels = None
        flat_blocks: int = Field(2, ge=0, le=64, description="blocks at the end that keep the size")
        pool: Literal["sum", "mean"] = Field("sum", description="over the pixels of the last maps")
        activation: BlockActivation = "relu"
        conv_bias: Later[bool] = Field(
            False, description="biases in the convolutions, in place of those before the activations"
        )

    def __init__(self, cfg: Config, interface: Interface, normalize: Normalize) -> None:
        channels = cfg.channels or ChannelsConfig(base=4096, max=128)
        last, blocks = min(SMALLEST, interface.resolution // 2), Blocks(cfg.conv_bias, activation=cfg.activation)
        super().__init__(cfg, interface, normalize, channels, last, cfg.flat_blocks, blocks)
        self.pool = cfg.pool

    @classmethod
    def problems(cls, cfg: Config, context: Context) -> Iterable[str]:
        return resolution_problems(context.interface.resolution)
