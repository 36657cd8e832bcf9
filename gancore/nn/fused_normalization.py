"""Normalizations that are a sum of instance and pixel statistics: written once, computed alone or with a style."""

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor

from gancore.contracts import Normalization
from gancore.nn.styled_statistic import Instance as Instance
from gancore.nn.styled_statistic import Pixel as Pixel
from gancore.nn.styled_statistic import styled_statistic


class Term(NamedTuple):
    """share * statistic(y); `share` is [C], None: 1."""

    statistic: Instance | Pixel
    share: Tensor | None = None


class FusedNormalization(Normalization):
    """A normalization whose statistic is a sum of terms, which the style of a layer joins in one pass.

    A subclass writes `terms`; `statistic` and `styled` both follow from it.
    """

    def terms(self) -> Sequence[Term]:
        """The statistics that are added, each with its share; an instance statistic before a pixel one is cheaper."""
        raise NotImplementedError

    def statistic(self, y: Tensor, parts: int = 1) -> Tensor:
        values = [
            statistic(y) if share is None else statistic(y) * share.to(y.dtype)[:, None, None]
            for statistic, share in self.terms()
        ]
        return sum(values[1:], start=values[0])

    def styled(self, y: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        terms = self.terms()
        scales = [scale if share is None else scale * share.to(scale.dtype) for _, share in terms]
        return styled_statistic(y, [statistic for statistic, _ in terms], scales, shift)
