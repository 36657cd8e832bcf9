"""The input of a metric: made-up features of generated and of real images."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from gancore.contracts import Moments
from gancore.errors import GancoreError

SAMPLES, D = 64, 4
OUTPUTS = ("features", "logits", "distance")


class SmallMeasurement:
    """The `Measurement` of the contracts: features that are normal numbers, and no generator.

    shift: how far generated features are from real ones. order: a seed that mixes the samples; None: as they are.
    """

    samples, seed, device = SAMPLES, 0, torch.device("cpu")

    def __init__(self, shift: float = 1.0, order: int | None = None) -> None:
        self._fake = _mixed(torch.randn(SAMPLES, D, generator=torch.Generator().manual_seed(1)) + shift, order)
        self._real = _mixed(torch.randn(2 * SAMPLES, D, generator=torch.Generator().manual_seed(2)), order)

    def fake(self, output: str = "features") -> Tensor:
        return self._fake

    def real(self, output: str = "features") -> Tensor:
        return self._real

    def fake_moments(self) -> Moments:
        return _moments(self._fake)

    def real_moments(self) -> Moments:
        return _moments(self._real)

    def generator(self) -> Any:
        raise GancoreError("there is no generator in a trial")

    def draws(self) -> Iterator[Any]:
        raise GancoreError("there is no generator in a trial")

    def of_draws(self, work: Callable[[Any, Tensor | None], Tensor]) -> Tensor:
        raise GancoreError("there is no generator in a trial")

    def distance(self, a: Tensor, b: Tensor) -> Tensor:
        return (a - b).square().flatten(1).mean(dim=1)


def _mixed(rows: Tensor, order: int | None) -> Tensor:
    return rows if order is None else rows[torch.randperm(len(rows), generator=torch.Generator().manual_seed(order))]


def _moments(rows: Tensor) -> Moments:
    return Moments(rows.double().mean(dim=0), torch.cov(rows.double().T))
