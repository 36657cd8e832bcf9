"""Loss scaling for float16, whose smallest numbers are too large for many gradients.

Source: arXiv:1710.03740 (mixed precision training) section 3.2, dynamic: the loss is multiplied by a scale and the
gradients are divided by it; an update whose gradients overflow is skipped and the scale halved; after many good ones
it is doubled. Differs: all of it happens on the device, without waiting, and every phase has its own scale, since
gradients of R1 and of path length have another magnitude than those of the losses.
"""

import torch
from torch import Tensor, nn

START, SMALLEST, LARGEST = 2.0**16, 1.0, 2.0**24
PATIENCE = 2000  # good updates before the scale is doubled


class LossScale:
    """The scale of one phase, a float32 scalar on the device, and the number of good updates since it changed."""

    def __init__(self, device: torch.device) -> None:
        self.scale = torch.full((), START, device=device)
        self.good = torch.zeros((), device=device)

    @torch.no_grad()
    def unscale(self, params: list[nn.Parameter]) -> None:
        """Divides the gradients by the scale, in place."""
        grads = [p.grad for p in params if p.grad is not None]
        if grads:
            torch._foreach_mul_(grads, self.scale.reciprocal())  # powers of two: exact

    @torch.no_grad()
    def follow(self, bad: Tensor) -> Tensor:
        """Adapts the scale to whether an update overflowed (1.0, else 0.0); returns 1.0 if it cannot be halved."""
        hopeless = bad * (self.scale <= SMALLEST)
        self.good = (self.good + 1) * (1 - bad)
        doubled = self.good >= PATIENCE
        factor = torch.where(bad > 0, 0.5, torch.where(doubled, 2.0, 1.0))
        self.scale = (self.scale * factor).clamp(SMALLEST, LARGEST)
        self.good = self.good * ~doubled
        return hopeless

    def state(self) -> dict[str, Tensor]:
        return {"scale": self.scale, "good": self.good}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Restores what `state` returned; a checkpoint without it leaves the scale at its start."""
        for key, value in state.items():
            setattr(self, key, value.to(self.scale.device))
