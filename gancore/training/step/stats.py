"""Running means of device scalars between two log ticks: nothing is read from the device before a tick.

Values of a phase count only if its update does. Those of a skipped one (an overflow in float16) say nothing about the
run, and one that is not finite would spoil the mean of the others.
"""

import torch
from torch import Tensor

from gancore.contracts.types import Mean


class Stats:
    """Weighted sums and weights by name, [2] each: those of the present phase, and those that count."""

    def __init__(self) -> None:
        self._phase: dict[str, Tensor] = {}
        self._counted: dict[str, Tensor] = {}

    def begin(self) -> None:
        """Starts a phase: drops the values of a phase that did not count."""
        self._phase.clear()

    def add(self, values: dict[str, Tensor], weight: float = 1.0) -> None:
        """Adds values of a microbatch with its share of the batch."""
        for name, value in values.items():
            value = value.detach().float()
            _accumulate(self._phase, name, torch.stack([value, torch.ones_like(value)]) * weight)

    def count(self, skipped: Tensor) -> None:
        """Ends a phase: its values count, unless its update is skipped (1.0, else 0.0)."""
        for name, pair in self._phase.items():
            _accumulate(self._counted, name, torch.where(skipped > 0, 0.0, pair))
        self._phase.clear()

    def state(self) -> dict[str, Tensor]:
        """What counted since the last tick, so that a tick which spans a restart is the mean of all its steps."""
        return dict(self._counted)

    def load_state(self, state: dict[str, Tensor], device: torch.device) -> None:
        """Takes up what `state` returned."""
        self._counted = {name: pair.to(device) for name, pair in state.items()}

    def read(self, mean: Mean = lambda values: values) -> dict[str, float]:
        """Means since the last call, over processes too by `mean`, read in one transfer; empty if nothing counted."""
        if not self._counted:
            return {}
        pairs = mean(torch.stack(list(self._counted.values()))).tolist()
        means = {name: total / weight for name, (total, weight) in zip(self._counted, pairs, strict=True) if weight}
        self._counted.clear()
        return means


def _accumulate(sums: dict[str, Tensor], name: str, pair: Tensor) -> None:
    sums[name] = sums[name] + pair if name in sums else pair
