"""Path length regularization: a step of given length in W changes the image by a fixed magnitude.

Source: arXiv:1912.04958 (StyleGAN2), equation 4, with the constants of the published code: noise divided by
sqrt(H * W), lengths over all ws, half of the batch, every 4 steps.
Differs: the target length averages over the processes of a run and moves once a step, also with microbatches.
"""

from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from gancore.contracts import Mean, PluginConfig, Regularizer, Scheduled, Step, value_at, within
from gancore.contracts.types import Network
from gancore.nn import input_gradients


class PathLength(Regularizer):
    """Plugin `path_length`: weight * (|J_w^T y| - a)^2, y ~ N(0, 1) / sqrt(H * W), `a` a moving average of lengths."""

    class Config(PluginConfig):
        weight: Annotated[Scheduled, within(ge=0)] = Field(2.0, description="weight of the penalty")
        interval: int = Field(4, ge=1, description="steps from one penalty to the next")
        shrink: int = Field(2, ge=1, description="the penalty takes 1/shrink of the batch")
        decay: float = Field(0.01, gt=0, le=1, description="share of a new mean length in the moving average")

    cfg: Config
    side: ClassVar[Network] = "generator"
    requires: ClassVar[dict[str, str]] = {"generator:ws": "path length is measured in the mapped latent space W"}

    pl_mean: Tensor
    seen: Tensor

    def __init__(self, cfg: Config) -> None:
        super().__init__(cfg)
        self.register_buffer("pl_mean", torch.zeros([]))
        self.register_buffer("seen", torch.zeros(2), persistent=False)  # sum and number of this step's lengths

    def penalty(self, step: Step) -> Tensor:
        lengths = self._lengths(step)
        finite = lengths.detach().isfinite()  # an overflow in float16 must not stay in the mean
        self.seen[0] += torch.where(finite, lengths.detach(), 0).sum()
        self.seen[1] += finite.sum()
        # The new mean is not detached: as published, about a hundredth of the gradient flows through it.
        target = self.pl_mean + self.cfg.decay * (step.mean(lengths) - self.pl_mean)
        return value_at(self.cfg.weight, step.kimg) * (lengths - target).square()

    def end_step(self, mean: Mean) -> None:
        total, number = mean(self.seen)
        new = self.pl_mean + self.cfg.decay * (total / number - self.pl_mean)
        self.pl_mean.copy_(torch.where(number > 0, new, self.pl_mean))
        self.seen.zero_()

    def scalars(self) -> dict[str, Tensor]:
        return {"pl_mean": self.pl_mean}

    def _lengths(self, step: Step) -> Tensor:
        """Root mean square over ws of the length of the image's gradient: [N / shrink]."""
        fakes = step.generate(self.cfg.shrink)
        image = fakes.images[-1]
        chw = image.shape[1:]
        noise = fakes.draw.normal("path_length", chw).to(image) / (chw[1] * chw[2]) ** 0.5
        (gradient,) = input_gradients(image * noise, (fakes.ws,))  # [n, num_ws, w_dim]
        return torch.linalg.vector_norm(gradient, dim=(1, 2)) / gradient.shape[1] ** 0.5
