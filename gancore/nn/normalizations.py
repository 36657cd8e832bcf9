"""Bases of normalizations: for styled layers only, and for statistics with one definition for both forms."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from torch import Tensor

from gancore.contracts import Context, Normalization
from gancore.nn.kernels.styled_statistic import Instance as Instance
from gancore.nn.kernels.styled_statistic import Pixel as Pixel
from gancore.nn.kernels.styled_statistic import styled_statistic


class StyledNormalization(Normalization):
    """A normalization for styled layers only; refused elsewhere before anything is built."""

    requires: ClassVar[Mapping[str, str]] = {"generator:styles": "it acts together with the style of a layer"}

    @classmethod
    def problems(cls, cfg: Any, context: Context) -> Iterable[str]:
        if context.network == "discriminator":
            yield "it needs layers with a style, and a discriminator has none; use none, instance, pixel or batch"


class Term(NamedTuple):
    """share * statistic(y); `share` is [C], None: 1."""

    statistic: Instance | Pixel
    share: Tensor | None = None


class FusedNormalization(Normalization):
    """A normalization whose statistic is a sum of terms, which the style of a layer joins in one pass.

    A subclass writes `terms`; `statistic` and `styled` both follow from it.
    """

    def terms(self) -> Sequence[Term]:
        """The statistics of the sum, each with its share; an instance statistic before a pixel one is cheaper."""
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
