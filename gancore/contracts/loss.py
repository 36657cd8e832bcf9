"""The contract of adversarial losses."""

from typing import Any, ClassVar, Self

from torch import Tensor, nn

from gancore.contracts.part import Part
from gancore.contracts.types import Network


class Loss(Part):
    """Losses from raw logits. Per sample, [N] to [N]: the engine averages within a head and sums over heads."""

    trained_with: ClassVar[Network] = "discriminator"
    """The network whose optimizer updates this loss's own parameters (a learned scale), where it has any."""

    needs_reals_for_g: ClassVar[bool] = False
    """Whether g() compares with the logits of real images (relativistic losses)."""

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
