"""Skeleton: what it penalizes, in one line.

Source: the drift term of arXiv:1710.10196, appendix A.1; name the paper, section and equation of yours.
Differs: nothing yet.
"""

from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from gancore.contracts import PluginConfig, Regularizer, Scheduled, Step, value_at, within
from gancore.contracts.types import Network


class Skeleton(Regularizer):
    """Plugin `skeleton`: logits of real images should not drift away from 0."""

    class Config(PluginConfig):
        weight: Annotated[Scheduled, within(ge=0)] = Field(0.001, description="a number or a schedule over kimg")
        interval: int = Field(1, ge=1, description="steps from one penalty to the next")

    cfg: Config
    side: ClassVar[Network] = "discriminator"

    def penalty(self, step: Step) -> Tensor:
        """Per sample, [N]."""
        heads = step.discriminate(step.real, step.real_label)
        squares = [logits.square().reshape(len(logits), -1).mean(1) for logits in heads]
        return value_at(self.cfg.weight, step.kimg) * torch.stack(squares).sum(0)
