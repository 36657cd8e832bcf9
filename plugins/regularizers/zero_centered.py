"""R1 and R2: zero-centred gradient penalties on real and on generated images.

Source: arXiv:1801.04406, equations 9 and 10, with one half as in StyleGAN; lazily every 16 steps as in StyleGAN2
(arXiv:1912.04958, section 3.1). R3GAN (arXiv:2501.05441) uses both in every step: interval 1.
Differs: penalties of several heads are added; the images of a pyramid count as one long vector, unless the mean over
them is chosen, as in the code of MSG-StyleGAN (arXiv:1903.06048).
"""

from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from gancore.contracts import Images, Later, PluginConfig, Regularizer, Scheduled, Step, value_at, within
from gancore.contracts.types import Network
from gancore.nn import input_gradients


class ZeroCentered(Regularizer):
    """gamma / 2 * |dD/dx|^2, from the gradient of the sum of logits over the batch."""

    class Config(PluginConfig):
        gamma: Annotated[Scheduled, within(ge=0)] = Field(10.0, description="weight; grows with the number of pixels")
        interval: int = Field(16, ge=1, description="steps from one penalty to the next")
        scales: Later[Literal["sum", "mean"]] = Field("sum", description="reduction over the images of a pyramid")

    cfg: Config
    side: ClassVar[Network] = "discriminator"

    def at(self, step: Step, images: Images, label: Tensor | None) -> Tensor:
        """The weighted penalty [N] at images [N, C, r, r]."""
        marked = tuple(image.detach().requires_grad_() for image in images)
        heads = step.discriminate(marked, label)
        squares = [g.square().flatten(1).sum(1) for logits in heads for g in input_gradients(logits, marked)]
        weight = 0.5 * value_at(self.cfg.gamma, step.kimg) / (len(images) if self.cfg.scales == "mean" else 1)
        return weight * torch.stack(squares).sum(0)


class R1(ZeroCentered):
    """Plugin `r1`: the penalty at real images."""

    def penalty(self, step: Step) -> Tensor:
        return self.at(step, step.real, step.real_label)


class R2(ZeroCentered):
    """Plugin `r2`: the penalty at generated images."""

    def penalty(self, step: Step) -> Tensor:
        return self.at(step, step.fake.images, step.fake.label)
