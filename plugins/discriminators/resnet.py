"""A discriminator of residual blocks: ReLU, convolution, twice in each, and the sum over all pixels at the end.

Source: arXiv:1802.05957 (SNGAN), its network for CIFAR-10: blocks that halve the size down to 8x8, two that keep it, a
sum over pixels, one linear layer. WGAN-GP's (arXiv:1704.00028) has the mean instead. Labels by projection
(arXiv:1802.05637). Glorot initialization.
Differs: see gancore/nn/families/preactivation.py for biases.
"""

from collections.abc import Iterable
from typing import Literal

from pydantic import Field
from torch import Tensor

from gancore.contracts import Context, Discriminator, Images, Interface, Normalize, PluginConfig, Stage
from gancore.nn import (
    ChannelsConfig,
    InheritedChannels,
    Linear,
    Sites,
    condition_of,
    required_label,
    resolution_problems,
    resolutions,
)
from gancore.nn.families.preactivation import PreactivationBlock, Statistics, glorot_std

SMALLEST = 8
"""Where halving ends."""


class ResNet(Discriminator):
    """Plugin `resnet`: one image to logits [N]. Blocks are named after their input, those at the end flat0, flat1."""

    class Config(PluginConfig):
        channels: InheritedChannels = None
        flat_blocks: int = Field(2, ge=0, le=64, description="blocks at the end that keep the size")
        pool: Literal["sum", "mean"] = Field("sum", description="over the pixels of the last maps")

    def __init__(self, cfg: Config, interface: Interface, normalize: Normalize) -> None:
        super().__init__(cfg, interface, normalize)
        at = (cfg.channels or ChannelsConfig(base=4096, max=128)).at
        last = min(SMALLEST, interface.resolution // 2)
        sizes = [size for size in resolutions(interface.resolution)[::-1] if size > last]
        layers = 2 * (len(sizes) + cfg.flat_blocks)
        statistics = Statistics(Sites("discriminator", layers, styled=False, condition=interface.label_dim), normalize)
        c_in = interface.channels
        for size in sizes:
            first, c_out = size == interface.resolution, at(size // 2)
            self.add_module(f"b{size}", PreactivationBlock(statistics, f"b{size}", size, c_in, c_out, "down", first))
            c_in = c_out
        for name in (flat := [f"flat{i}" for i in range(cfg.flat_blocks)]):
            self.add_module(name, PreactivationBlock(statistics, name, last, c_in, c_in))
        self.blocks = [*(f"b{size}" for size in sizes), *flat]
        self.act = statistics.at("act", last, c_in)
        self.out = Linear(c_in, 1, init_std=glorot_std(c_in, 1))
        classes = interface.label_dim
        self.embed = Linear(classes, c_in, None, init_std=glorot_std(classes, c_in)) if classes else None

    def forward(
        self, images: Images, label: Tensor | None = None, stage: Stage | None = None, parts: int = 1
    ) -> tuple[Tensor, ...]:
        x, condition = images[-1], condition_of(label, self.interface.label_dim)
        for name in self.blocks:
            x = self.get_submodule(name)(x, parts, condition)
        x = self.act(x, parts, condition=condition)
        features = x.sum((2, 3)) if self.cfg.pool == "sum" else x.mean((2, 3))
        logits = self.out(features)[:, 0]
        if self.embed is not None:
            logits = logits + (self.embed(required_label(label, self.interface.label_dim)) * features).sum(1)
        return (logits,)

    @classmethod
    def problems(cls, cfg: Config, context: Context) -> Iterable[str]:
        return resolution_problems(context.interface.resolution)
