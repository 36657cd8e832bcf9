"""A guard on non-finite gradients that never waits for the device.

The first bad gradient freezes both networks: from then on every update is skipped on the device, so the weights stay
as they were just before it. The host looks at log ticks, and reads the step number.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from gancore.training.step.scaling import LossScale


class Guard:
    """`skip` (1.0 once anything was not finite) and `first_bad_step`, on the device."""

    def __init__(self, device: torch.device) -> None:
        self.skip = torch.zeros((), device=device)
        self._first_bad_step = torch.full((), -1, dtype=torch.int64, device=device)

    @torch.no_grad()
    def check(self, params: Iterable[nn.Parameter], loss: Tensor, step: int, scale: LossScale | None = None) -> Tensor:
        """Checks the gradients and the loss of a phase; returns 1.0 if its update must be skipped, else 0.0.

        With a loss scale, an overflow skips the update, but counts as bad only once the scale cannot be halved again.
        """
        grads = [p.grad for p in params if p.grad is not None]
        norms = torch.stack([loss.float(), *(torch._foreach_norm(grads) if grads else [])])
        bad = 1.0 - torch.isfinite(norms).all().float()
        self.skip = torch.maximum(self.skip, bad if scale is None else scale.follow(bad))
        fresh = (self._first_bad_step < 0) & (self.skip > 0)
        self._first_bad_step = torch.where(fresh, step, self._first_bad_step)
        return torch.maximum(self.skip, bad)

    def first_bad_step(self) -> int | None:
        """The step of the first bad update, None if all was well. Waits for the device."""
        step = int(self._first_bad_step)
        return None if step < 0 else step
