"""DRAGAN: the gradient of D has norm one in the neighbourhood of real images.

Source: arXiv:1705.07215, section 2.3; the noise of the form that most implementations have, half the standard deviation
of the batch times uniform numbers, of a strength that each sample draws.
Differs from the paper: it perturbs by N(0, c I).
"""

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from gancore.contracts import PluginConfig, Regularizer, Step
from gancore.contracts.types import Network
from gancore.nn import input_gradients


class DRAGAN(Regularizer):
    """Plugin `dragan`: weight * (|dD/dx| - 1)^2 at x = real + a * std / 2 * u, with a and u in U[0, 1).

    Logits of all heads are summed. The standard deviation is that of the microbatch.
    """

    class Config(PluginConfig):
        weight: float = Field(10.0, ge=0, description="weight of the penalty")
        interval: int = Field(1, ge=1, description="steps from one penalty to the next")

    cfg: Config
    side: ClassVar[Network] = "discriminator"

    def penalty(self, step: Step) -> Tensor:
        strength = step.draw.uniform("dragan.strength", (1, 1, 1))
        near = []
        for i, image in enumerate(step.real):
            noise = step.draw.uniform(f"dragan.noise{i}", image.shape[1:])
            near.append((image + strength.to(image) * 0.5 * image.std() * noise.to(image)).detach().requires_grad_())
        heads = step.discriminate(tuple(near), step.real_label)
        total = torch.stack([head.flatten(1).sum(1) if head.ndim > 1 else head for head in heads]).sum(0)
        norms = [torch.linalg.vector_norm(g.flatten(1), dim=1) for g in input_gradients(total, tuple(near))]
        return self.cfg.weight * torch.stack([(norm - 1).square() for norm in norms]).sum(0)
