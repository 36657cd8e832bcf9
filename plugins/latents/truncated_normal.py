"""Truncated normal latents: N(0, 1) numbers, those beyond a limit drawn again.

Source: arXiv:1809.11096 (BigGAN), section 3.1.
Differs: drawn by the inverse of the distribution function, which is the same law and takes one number each.
"""

import math

import torch
from pydantic import Field
from torch import Tensor

from gancore.contracts import Draw, Latent, PluginConfig


class TruncatedNormal(Latent):
    """Plugin `truncated_normal`: N(0, 1) numbers within [-limit, limit], not rescaled."""

    class Config(PluginConfig):
        limit: float = Field(2.0, gt=0, le=8, description="largest magnitude")

    cfg: Config

    def sample(self, draw: Draw, size: int) -> Tensor:
        within = math.erf(self.cfg.limit / math.sqrt(2))
        u = draw.uniform("z", (size,)).double() * 2 - 1  # float32 has no numbers near 1 for the tail
        z = torch.special.erfinv(u * within) * math.sqrt(2)
        return z.clamp(-self.cfg.limit, self.cfg.limit).float()
