"""Batch-instance normalization: gamma * (rho * BN(x) + (1 - rho) * IN(x)) + beta, with rho per channel.

Source: arXiv:1805.07925 equation 4. rho starts at 1 (plain batch norm), learns ten times as fast as the rest and
is clamped to [0, 1] after each update. In a styled layer the style takes the place of gamma and beta.
"""

import torch
from pydantic import Field
from torch import Tensor, nn

from gancore.contracts import Normalization, PluginConfig, Site
from gancore.nn import Mix, RunningMoments, instance_norm


class BIN(Normalization):
    """Plugin `bin`: batch and instance statistic, mixed."""

    class Config(PluginConfig):
        rho: float = Field(1.0, ge=0, le=1, description="share of batch norm at the start")
        lr_factor: float = Field(10.0, gt=0, description="learning rate of rho relative to its network's")
        eps: float = Field(1e-5, gt=0, description="added to the variances")
        momentum: float = Field(0.1, gt=0, le=1, description="weight of a new batch in the moving averages")
        affine: bool = Field(False, description="learned scale and shift per channel")

    cfg: Config

    def __init__(self, cfg: Config, site: Site) -> None:
        super().__init__(cfg, site)
        self.moments = RunningMoments(site.c_out, cfg.eps, cfg.momentum)
        self.share = Mix(site.c_out, "clamp", cfg.rho, cfg.lr_factor)
        self.weight = nn.Parameter(torch.ones(site.c_out)) if cfg.affine else None
        self.bias = nn.Parameter(torch.zeros(site.c_out)) if cfg.affine else None

    def statistic(self, y: Tensor, parts: int = 1) -> Tensor:
        y = self.share(self.moments(y, parts), instance_norm(y, self.cfg.eps))
        if self.weight is None or self.bias is None:
            return y
        return torch.addcmul(self.bias.to(y.dtype)[:, None, None], y, self.weight.to(y.dtype)[:, None, None])
