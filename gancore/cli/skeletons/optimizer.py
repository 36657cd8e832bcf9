"""Skeleton: how weights follow their gradients, in one line.

Source: stochastic gradient descent; name the paper and equation of yours.
Differs: nothing yet.
"""

from typing import Annotated, Any

import torch
from pydantic import Field

from gancore.contracts import Optimizer, PluginConfig, Scheduled, Updates, within


class Skeleton(Optimizer):
    """Plugin `skeleton`: weights move against the gradient, by `lr` times it."""

    class Config(PluginConfig):
        lr: Annotated[Scheduled, within(ge=0)] = Field(0.01, description="learning rate")

    moments = 0
    skips = True

    def build(self, groups: list[dict[str, Any]]) -> Updates:
        return torch.optim.SGD(groups, fused=True)
