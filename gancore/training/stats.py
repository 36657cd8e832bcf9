"""Running means of device scalars between two log ticks: nothing is read from the device before a tick."""

import torch
from torch import Tensor

from gancore.contracts.types import Mean


class Stats:
    """Sums and counts by name."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, float] = {}

    def add(self, values: dict[str, Tensor], weight: float = 1.0) -> None:
        for name, value in values.items():
            value = value.detach().float() * weight
            self._sums[name] = self._sums[name] + value if name in self._sums else value
            self._counts[name] = self._counts.get(name, 0.0) + weight

    def read(self, mean: Mean = lambda values: values) -> dict[str, float]:
        """Means since the last call, over processes too by `mean`, read in one transfer."""
        if not self._sums:
            return {}
        sums = mean(torch.stack(list(self._sums.values()))).tolist()
        means = {name: total / self._counts[name] for name, total in zip(self._sums, sums, strict=True)}
        self._sums.clear()
        self._counts.clear()
        return means
