"""WGAN-GP: the critic's gradient has norm one between real and generated images.

Source: arXiv:1704.00028, equation 3; `target` and `drift` from PGGAN (arXiv:1710.10196, appendix A.1), where the
weight is divided by target^2 and drift is 0.001.
Differs: penalties of several heads, and of the images of a pyramid, are added.
"""

from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from gancore.contracts import PluginConfig, Regularizer, Scheduled, Step, value_at, within
from gancore.contracts.types import Network
from gancore.nn import input_gradients


class WGANGP(Regularizer):
    """Plugin `wgan_gp`: weight / target^2 * (|dD/dx| - target)^2 + drift * D(real)^2.

    x lies on the line from a generated image to a real one, at a random place.
    """

    class Config(PluginConfig):
        weight: Annotated[Scheduled, within(ge=0)] = Field(10.0, description="weight of the gradient penalty")
        target: float = Field(1.0, gt=0, description="norm the gradient should have")
        drift: float = Field(0.0, ge=0, description="weight of squared logits of reals, which keeps them near zero")
        interval: int = Field(1, ge=1, description="steps from one penalty to the next")

    cfg: Config
    side: ClassVar[Network] = "discriminator"

    def penalty(self, step: Step) -> Tensor:
        weight = value_at(self.cfg.weight, step.kimg) / self.cfg.target**2
        penalty = weight * self._gradient_penalty(step)
        if self.cfg.drift:
            logits = step.discriminate(step.real, step.real_label)
            penalty = penalty + self.cfg.drift * sum(head.reshape(len(head), -1).square().mean(1) for head in logits)
        return penalty

    def _gradient_penalty(self, step: Step) -> Tensor:
        u = step.draw.uniform("wgan_gp", (1, 1, 1))  # one place on the line per sample, for all scales
        pairs = zip(step.real, step.fake.images, strict=True)
        between = tuple(torch.lerp(f, r, u.to(r)).detach().requires_grad_() for r, f in pairs)
        heads = step.discriminate(between, step.real_label)
        norms = [_norm(g) for logits in heads for g in input_gradients(logits, between)]
        return torch.stack([(norm - self.cfg.target).square() for norm in norms]).sum(0)


def _norm(gradient: Tensor) -> Tensor:
    """[N, C, H, W] to [N]; its derivative at zero is zero, not infinite."""
    return torch.linalg.vector_norm(gradient.flatten(1), dim=1)
