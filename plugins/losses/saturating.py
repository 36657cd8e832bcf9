"""Saturating logistic loss: the minimax game itself.

Source: arXiv:1406.2661, equation 1 and algorithm 1. G's gradient vanishes while D wins easily.
Differs: written with softplus on logits, which is finite wherever the logits are.
"""

from torch import Tensor
from torch.nn.functional import softplus

from gancore.contracts import Loss


class Saturating(Loss):
    """Plugin `saturating`. D: softplus(-real) + softplus(fake). G: -softplus(fake), which is log(1 - D(G(z)))."""

    def d(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(-real) + softplus(fake)

    def g(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        return -softplus(fake)
