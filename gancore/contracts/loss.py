"""The contract of adversarial losses."""

from typing import Any, ClassVar

from torch import Tensor

from gancore.contracts.part import Plugin


class Loss(Plugin):
    """Losses from raw logits. Per sample, [N] to [N]: the engine averages within a head and sums over heads."""

    needs_reals_for_g: ClassVar[bool] = False
    """Whether g() compares with the logits of real images (relativistic losses)."""

    def __init__(self, cfg: Any) -> None:
        self.cfg = cfg

    def d(self, real: Tensor, fake: Tensor) -> Tensor:
        """Loss of the discriminator from logits of real and generated images, [N] each; in nats where it is a
        likelihood."""
        raise NotImplementedError

    def g(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """Loss of the generator; `real` is given when `needs_reals_for_g`."""
        raise NotImplementedError
