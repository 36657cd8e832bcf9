"""RMSprop. Source: lecture 6e of G. Hinton's "Neural Networks for Machine Learning" (2012); WGAN trains by it."""

from typing import Annotated, Any

import torch
from pydantic import Field

from gancore.contracts import Optimizer, PluginConfig, Scheduled, Updates, within


class RMSprop(Optimizer):
    """Plugin `rmsprop` (WGAN: lr 5e-5)."""

    class Config(PluginConfig):
        lr: Annotated[Scheduled, within(ge=0)] = Field(5e-5, description="learning rate")
        alpha: float = Field(0.99, gt=0, lt=1, description="decay of the mean square")
        eps: float = Field(1e-8, gt=0, description="added to the root mean square")
        weight_decay: float = Field(0, ge=0, description="factor of an L2 penalty on the weights")

    cfg: Config
    moments = 1

    def build(self, groups: list[dict[str, Any]]) -> Updates:
        cfg = self.cfg
        return torch.optim.RMSprop(groups, alpha=cfg.alpha, eps=cfg.eps, weight_decay=cfg.weight_decay)
