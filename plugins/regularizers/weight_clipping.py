"""Weight clipping: keeps the critic Lipschitz by bounding every parameter.

Source: arXiv:1701.07875 (WGAN), algorithm 1: limit 0.01, with RMSprop.
Equalized layers store weights of unit variance and scale them at run time: there the limit should be closer to 1.
"""

from typing import ClassVar

import torch
from pydantic import Field
from torch import nn

from gancore.contracts import PluginConfig, Regularizer
from gancore.contracts.types import Network


class WeightClipping(Regularizer):
    """Plugin `weight_clipping`: after each update, parameters of the discriminator are clamped to [-limit, limit]."""

    class Config(PluginConfig):
        limit: float = Field(0.01, gt=0, description="greatest magnitude of a parameter")

    cfg: Config
    side: ClassVar[Network] = "discriminator"

    @torch.no_grad()
    def constrain(self, network: nn.Module) -> None:
        for parameter in network.parameters():
            if parameter.requires_grad:  # others are frozen
                parameter.clamp_(-self.cfg.limit, self.cfg.limit)
