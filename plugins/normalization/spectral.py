"""Spectral normalization: a weight divided by its largest singular value.

Source: arXiv:1802.05957 algorithm 1: one power iteration each time the weight is used in training, on the weight
seen as a matrix [out, in * kh * kw].
"""

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from gancore.contracts import PluginConfig, WeightNormalization


class SpectralNorm(WeightNormalization):
    """Plugin `spectral`: W / sigma(W), with sigma = u^T W v."""

    class Config(PluginConfig):
        eps: float = Field(1e-12, gt=0, description="least norm of a vector that is normalized")

    cfg: Config

    u: Tensor
    v: Tensor

    def __init__(self, cfg: Config, shape: torch.Size) -> None:
        super().__init__(cfg, shape)
        rows, columns = shape[0], shape[1:].numel()
        self.register_buffer("u", F.normalize(torch.randn(rows), dim=0, eps=cfg.eps))
        self.register_buffer("v", F.normalize(torch.randn(columns), dim=0, eps=cfg.eps))

    def forward(self, weight: Tensor) -> Tensor:
        matrix = weight.flatten(1)
        u, v = self._iterate(matrix.detach()) if self.training else (self.u.clone(), self.v.clone())
        sigma = u @ (matrix @ v)
        return weight / torch.where(sigma == 0, 1.0, sigma)

    @torch.no_grad()
    def _iterate(self, matrix: Tensor) -> tuple[Tensor, Tensor]:
        """One power iteration; returns copies of the stored vectors, which the next iteration changes."""
        v = self._direction(matrix.T @ self.u, self.v)
        u = self._direction(matrix @ v, self.u)
        self.u.copy_(u)
        self.v.copy_(v)
        return u, v

    def _direction(self, x: Tensor, before: Tensor) -> Tensor:
        """x / |x|; that of `before` where a weight of zeros, as residual blocks may start with, has none."""
        return torch.where(x.any(), F.normalize(x, dim=0, eps=self.cfg.eps), before)
