"""StyleGAN2 with self-attention after the block of 16x16.

Source: StyleGAN2's generator with output skips (arXiv:1912.04958 section 4.1); attention of SAGAN (arXiv:1805.08318).
Differs: nothing else. A new attention layer is the identity, so the networks start out equal.
"""

from typing import Any

from torch import Tensor

from gancore.contracts import Images, Pass, Stage
from gancore.nn import SelfAttention, StyleBlock, StyleGenerator, StyleSynthesis


class AttentiveBlock(StyleBlock):
    """Two style convolutions, and attention at 16x16."""

    def __init__(self, build: Any, resolution: int, c_in: int, c_out: int) -> None:
        super().__init__(build, resolution, c_in, c_out)
        self.attention = SelfAttention(c_out) if resolution == 16 else None

    def forward(self, x: Tensor, ws: Any, how: Pass) -> Tensor:
        x = super().forward(x, ws, how)
        return x if self.attention is None else self.attention(x)


class AttentiveSynthesis(StyleSynthesis):
    """Images of all resolutions, upsampled and summed."""

    block = AttentiveBlock
    torgb_at_every_resolution = True

    def output(self, rgbs: list[Tensor], stage: Stage | None) -> Images:
        image, *finer = rgbs
        for rgb in finer:
            image = self.upsample(image) + rgb
        return (image,)


class Attention16(StyleGenerator):
    """Plugin `attention16`; its options are those of `skip`."""

    synthesis_class = AttentiveSynthesis
