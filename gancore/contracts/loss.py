"""The contract of adversarial losses."""

from collections.abc import Iterable
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from gancore.contracts.part import Part
from gancore.contracts.step import Judged, Step
from gancore.contracts.types import Network


class Loss(Part):
    """The objectives of both networks. One pair of methods is enough.

    `d` and `g`: from raw logits, per sample; the engine averages within a head and sums over heads.
    `discriminator_loss` and `generator_loss`: from the step and D's results for both sides, with labels and outputs.
    """

    trained_with: ClassVar[Network] = "discriminator"
    """The network whose optimizer updates this loss's own parameters (a learned scale), where it has any."""

    needs_reals_for_g: ClassVar[bool] = False
    """Whether the generator's loss compares with real images (relativistic losses)."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Sets up the module here, since losses were no modules once and need not call `super().__init__`."""
        loss = super().__new__(cls)
        nn.Module.__init__(loss)
        return loss

    def __init__(self, cfg: Any) -> None:
        self.cfg = cfg

    def d(self, real: Tensor, fake: Tensor) -> Tensor:
        """Loss of the discriminator from logits of real and generated images, [N] each; in nats where it is a
        likelihood."""
        raise NotImplementedError

    def g(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """Loss of the generator; `real` is given when `needs_reals_for_g`."""
        raise NotImplementedError

    def discriminator_loss(self, step: Step, real: Judged, fake: Judged) -> Tensor:
        """Loss of the discriminator, per sample [N] or a scalar.

        A loss that uses outputs of D besides logits `requires` them ("discriminator:class_logits").
        """
        return _over_heads(self.d(r, f) for r, f in zip(real.logits, fake.logits, strict=True))

    def generator_loss(self, step: Step, fake: Judged, real: Judged | None) -> Tensor:
        """Loss of the generator, per sample [N] or a scalar; `real` is given when `needs_reals_for_g`."""
        if real is None:
            return _over_heads(self.g(f) for f in fake.logits)
        return _over_heads(self.g(f, r) for f, r in zip(fake.logits, real.logits, strict=True))


def _over_heads(losses: Iterable[Tensor]) -> Tensor:
    """The mean within each head, summed over heads."""
    return torch.stack([loss.mean() for loss in losses]).sum()
