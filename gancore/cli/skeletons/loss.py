"""Skeleton: what it compares, in one line.

Source: the non-saturating loss of arXiv:1406.2661, section 3; name the paper, section and equation of yours.
Differs: nothing yet.
"""

from torch import Tensor
from torch.nn import functional as F

from gancore.contracts import Loss


class Skeleton(Loss):
    """Plugin `skeleton`: per-sample losses [N] from logits [N]; without options."""

    def d(self, real: Tensor, fake: Tensor) -> Tensor:
        return F.softplus(-real) + F.softplus(fake)

    def g(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        return F.softplus(-fake)
