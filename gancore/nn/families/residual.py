"""The discriminator of SNGAN and BigGAN: residual blocks, the sum over pixels, a linear layer, labels by projection.

    logit = psi(h) + <V y, h>,    h = sum over pixels of relu(features)

Sources: arXiv:1802.05957, arXiv:1802.05637 equation 3 (projection), arXiv:1809.11096 appendix B.
"""

from collections.abc import Collection
from typing import Any, Literal

from torch import Tensor, nn

from gancore.contracts import Discriminator, Images, Interface, Normalize, Stage
from gancore.nn.attention import SelfAttention
from gancore.nn.families.preactivation import Blocks, PreactivationBlock, Statistics, glorot_std
from gancore.nn.label import condition_of, required_label
from gancore.nn.layers import Linear
from gancore.nn.options import ChannelsConfig
from gancore.nn.sites import Sites, resolutions


class ResidualDiscriminator(Discriminator):
    """One image to logits [N]. Blocks are named after their input, those at the end flat0, flat1."""

    def __init__(
        self,
        cfg: Any,
        interface: Interface,
        normalize: Normalize,
        channels: ChannelsConfig,
        last: int,
        flat_blocks: int,
        blocks: Blocks,
        attention: Collection[int] = (),
    ) -> None:
        """Blocks halve the size down to `last`, then `flat_blocks` keep it. Self-attention follows every block
        whose output has one of the sizes `attention`."""
        super().__init__(cfg, interface, normalize)
        sizes = [size for size in resolutions(interface.resolution)[::-1] if size > last]
        sites = Sites("discriminator", 2 * (len(sizes) + flat_blocks), False, interface.label_dim)
        statistics, at, c_in = Statistics(sites, normalize, blocks), channels.at, interface.channels
        self.attention = nn.ModuleDict()
        for size in sizes:
            first, c_out = size == interface.resolution, at(size // 2)
            self.add_module(f"b{size}", PreactivationBlock(statistics, f"b{size}", size, c_in, c_out, "down", first))
            if size // 2 in attention:
                self.attention[f"b{size}"] = SelfAttention(c_out)
            c_in = c_out
        for name in (flat := [f"flat{i}" for i in range(flat_blocks)]):
            self.add_module(name, PreactivationBlock(statistics, name, last, c_in, c_in))
            if last in attention:
                self.attention[name] = SelfAttention(c_in)
        self.blocks = [*(f"b{size}" for size in sizes), *flat]
        self.act = statistics.at("act", last, c_in)
        self.out = Linear(c_in, 1, init_std=glorot_std(c_in, 1))
        classes = interface.label_dim
        self.embed = Linear(classes, c_in, None, init_std=glorot_std(classes, c_in)) if classes else None
        self.pool: Literal["sum", "mean"] = "sum"

    def forward(
        self, images: Images, label: Tensor | None = None, stage: Stage | None = None, parts: int = 1
    ) -> tuple[Tensor, ...]:
        x, condition = images[-1], condition_of(label, self.interface.label_dim)
        for name in self.blocks:
            x = self.get_submodule(name)(x, parts, condition)
            x = self.attention[name](x) if name in self.attention else x
        x = self.act(x, parts, condition=condition)
        return (self.score(x.sum((2, 3)) if self.pool == "sum" else x.mean((2, 3)), label),)

    def score(self, features: Tensor, label: Tensor | None) -> Tensor:
        """The logit [N] of features [N, C] by projection. Raises ValueError where a label is missing."""
        logits = self.out(features)[:, 0]
        if self.embed is None:
            return logits
        return logits + (self.embed(required_label(label, self.interface.label_dim)) * features).sum(1)
