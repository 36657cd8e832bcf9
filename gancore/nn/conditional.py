"""Gain and shift of feature maps from a condition, and normalizations that use them.

Source: arXiv:1707.00683 section 3 (conditional batch norm); any statistic can replace batch norm's.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from gancore.contracts import Normalization, Site
from gancore.nn.activation import maps
from gancore.nn.layers import Linear
from gancore.nn.normalized import Around, has


class GainAndShift(nn.Module):
    """y * (1 + W_gain c) + W_shift c: [N, C, H, W] to the same shape, with a condition c [N, K]."""

    def __init__(self, condition: int, channels: int, init_std: float = 0.02, bias: bool = False) -> None:
        super().__init__()
        start = 0.0 if bias else None
        self.gain = Linear(condition, channels, start, init_std=init_std)
        self.shift = Linear(condition, channels, start, init_std=init_std)

    def forward(self, y: Tensor, condition: Tensor) -> Tensor:
        gain, shift = 1 + self.gain(condition), self.shift(condition)
        return torch.addcmul(maps(shift, y.dtype), y, maps(gain, y.dtype))


class Conditioned(Around):
    """Another normalization, whose statistic is followed by gain and shift from the condition of its site."""

    def __init__(self, inner: Normalization) -> None:
        super().__init__(inner)
        self.affine = GainAndShift(inner.site.condition, inner.site.c_out)

    def conditioned(self, y: Tensor, condition: Tensor, parts: int = 1) -> Tensor:
        return self.affine(self.inner.statistic(y, parts), condition)


def conditioned(normalize: Callable[[Site], Normalization]) -> Callable[[Site], Normalization]:
    """`normalize` for networks whose condition must reach the image, as a style does in styled ones: a normalization
    that ignores the condition is followed by a gain and a shift from it."""

    def build(site: Site) -> Normalization:
        normalization = normalize(site)
        looks = has("conditioned", normalization)
        return normalization if looks or not site.condition else Conditioned(normalization)

    return build
