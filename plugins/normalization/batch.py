"""Batch normalization: mean 0 and variance 1 of each channel over the batch (arXiv:1502.03167).

Reals and fakes that share a batch are normalized apart (`parts`); evaluation uses moving averages.
"""

import torch
from pydantic import Field
from torch import Tensor, nn

from gancore.contracts import Normalization, PluginConfig, Site
from gancore.nn import RunningMoments


class BatchNorm(Normalization):
    """Plugin `batch`: batch statistic, for styled and unstyled layers."""

    class Config(PluginConfig):
        eps: float = Field(1e-5, gt=0, description="added to the variance")
        momentum: float = Field(0.1, gt=0, le=1, description="weight of a new batch in the moving averages")
        affine: bool = Field(False, description="a learned scale per channel; the layer has a bias anyway")

    cfg: Config

    def __init__(self, cfg: Config, site: Site) -> None:
        super().__init__(cfg, site)
        self.moments = RunningMoments(site.c_out, cfg.eps, cfg.momentum)
        self.weight = nn.Parameter(torch.ones(site.c_out)) if cfg.affine else None

    def statistic(self, y: Tensor, parts: int = 1) -> Tensor:
        y = self.moments(y, parts)
        return y if self.weight is None else y * self.weight.to(y.dtype)[:, None, None]
