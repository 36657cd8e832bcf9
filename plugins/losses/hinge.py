"""Hinge loss: D should have a margin of one on either side of zero.

Source: arXiv:1705.02894, section 3; arXiv:1802.05957 (SNGAN), equations 16 and 17.
"""

from torch import Tensor
from torch.nn.functional import relu

from gancore.contracts import Loss


class Hinge(Loss):
    """Plugin `hinge`. D: max(0, 1 - real) + max(0, 1 + fake). G: -fake."""

    def d(self, real: Tensor, fake: Tensor) -> Tensor:
        return relu(1 - real) + relu(1 + fake)

    def g(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        return -fake
