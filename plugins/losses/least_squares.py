"""Least-squares loss: D regresses 1 on real images and 0 on generated ones.

Source: arXiv:1611.04076 (LSGAN), equation 9: a = 0, b = c = 1, on raw scores.
"""

from torch import Tensor

from gancore.contracts import Loss


class LeastSquares(Loss):
    """Plugin `least_squares`. D: (real - 1)^2 / 2 + fake^2 / 2. G: (fake - 1)^2 / 2."""

    def d(self, real: Tensor, fake: Tensor) -> Tensor:
        return 0.5 * (real - 1).square() + 0.5 * fake.square()

    def g(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        return 0.5 * (fake - 1).square()
