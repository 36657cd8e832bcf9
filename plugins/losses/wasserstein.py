"""Wasserstein loss: D is a critic whose score gap estimates the earth mover's distance.

Source: arXiv:1701.07875, algorithm 1. The critic must be kept Lipschitz: combine it with the regularizer
`wgan_gp` (arXiv:1704.00028) or `weight_clipping`.
"""

from torch import Tensor

from gancore.contracts import Loss


class Wasserstein(Loss):
    """Plugin `wasserstein`. D: fake - real. G: -fake."""

    def d(self, real: Tensor, fake: Tensor) -> Tensor:
        return fake - real

    def g(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        return -fake
