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
    """W / sigma(W), with sigma = u^T W v."""

    class Config(PluginConfig):
        eps: float = Field(1e-12, gt=0, description="least norm of a vector that is normalized")

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
        return weight / (u @ (matrix @ v))

    @torch.no_grad()
    def _iterate(self, matrix: Tensor) -> tuple[Tensor, Tensor]:
        """One power iteration; the vectors given out are not those stored, which the next iteration changes."""
        v = F.normalize(matrix.T @ self.u, dim=0, eps=self.cfg.eps)
        u = F.normalize(matrix @ v, dim=0, eps=self.cfg.eps)
        self.u.copy_(u)
        self.v.copy_(v)
        return u, v
