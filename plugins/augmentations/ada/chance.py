"""The random decisions of one call: what is drawn, and in which samples it acts."""

import torch
from torch import Tensor

from gancore.contracts import Draw

from .options import Options


class Chance:
    """Draws the random numbers of transforms, and skips each sample with probability 1 - p."""

    def __init__(self, options: Options, draw: Draw, p: Tensor, dtype: torch.dtype) -> None:
        """`p` is the strength, a scalar on the device; parameters come out in `dtype`, that of the images."""
        self.options, self.p, self._draw, self._dtype = options, p, draw, dtype

    def uniform(self, purpose: str, *shape: int) -> Tensor:
        """U[0, 1) numbers [N, *shape]."""
        return self._draw.uniform(f"ada.{purpose}", shape)

    def normal(self, purpose: str, *shape: int) -> Tensor:
        """N(0, 1) numbers [N, *shape]."""
        return self._draw.normal(f"ada.{purpose}", shape)

    def log_normal(self, purpose: str, std: float) -> Tensor:
        """2^N(0, std^2), [N]."""
        return torch.exp2(self.normal(purpose) * std)

    def angle(self, purpose: str, largest: float) -> Tensor:
        """Uniform angles [N] in radians; `largest` 1 is half a turn either way."""
        return (2 * self.uniform(purpose) - 1) * torch.pi * largest

    def some(self, purpose: str, relative: float, values: Tensor, neutral: float = 0.0) -> Tensor:
        """`values` [N, ...] in a sample with probability `relative` * p, `neutral` in the others."""
        return self.where(purpose, relative * self.p, values, neutral)

    def where(self, purpose: str, probability: Tensor, values: Tensor, neutral: float = 0.0) -> Tensor:
        """`values` [N, ...] in a sample with that probability, `neutral` in the others."""
        gate = self.uniform(f"{purpose}.gate").view(-1, *[1] * (values.dim() - 1))
        return torch.where(gate < probability, values, neutral).to(self._dtype)
