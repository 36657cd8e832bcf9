"""The contract of regularizers: penalties, and changes to a step."""

from collections.abc import Callable
from typing import Any, ClassVar

from torch import Tensor, nn

from gancore.contracts.part import Part
from gancore.contracts.step import Step
from gancore.contracts.types import Draw, Network


class Regularizer(Part):
    """Acts on one network, every `interval` steps.

    An interval above 1 makes a separate phase (lazy regularization): the penalty is multiplied by the interval
    and the network's Adam is corrected. Interval 1 joins the main loss.
    """

    side: ClassVar[Network]

    def __init__(self, cfg: Any) -> None:
        super().__init__()
        self.cfg = cfg

    @property
    def trained_with(self) -> Network:
        """The network whose optimizer updates this regularizer's own parameters (Q of InfoGAN): that on its side."""
        return self.side

    @property
    def interval(self) -> int:
        """Steps from one application to the next; option `interval` where the plugin has one."""
        return getattr(self.cfg, "interval", 1)

    @property
    def second_order(self) -> bool:
        """Whether the penalty differentiates a gradient (R1, path length), so that its phase cannot be compiled.

        Any penalty is assumed to, unless its class sets `second_order = False`.
        """
        return type(self).penalty is not Regularizer.penalty

    def penalty(self, step: Step) -> Tensor | None:
        """The weighted penalty, per sample [N] or a scalar; None: this regularizer has no penalty."""
        return None

    def mix_ws(self, ws: Tensor, again: Callable[[], Tensor], draw: Draw) -> Tensor:
        """Changes the ws [N, num_ws, w_dim] of generated training samples; `again()` maps fresh latents."""
        return ws

    def constrain(self, network: nn.Module) -> None:
        """Called after each optimizer step of the network on this side (weight clipping)."""
