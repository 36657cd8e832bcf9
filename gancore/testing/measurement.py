"""The input of a metric: made-up features of generated and of real images."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from gancore.contracts import Moments
from gancore.errors import GancoreError

SAMPLES, D = 64, 4
OUTPUTS = ("features", "logits", "distance")


class SmallMeasurement:
    """The `Measurement` of the contracts: features that are normal numbers, and no generator."""

    samples, seed, device = SAMPLES, 0, torch.device("cpu")

    def fake(self, output: str = "features") -> Tensor:
        return torch.randn(SAMPLES, D, generator=torch.Generator().manual_seed(1)) + 1

    def real(self, output: str = "features") -> Tensor:
        return torch.randn(2 * SAMPLES, D, generator=torch.Generator().manual_seed(2))

    def fake_moments(self) -> Moments:
        return _moments(self.fake())

    def real_moments(self) -> Moments:
        return _moments(self.real())

    def generator(self) -> Any:
        raise GancoreError("there is no generator in a trial")

    def draws(self) -> Iterator[Any]:
        raise GancoreError("there is no generator in a trial")

    def distance(self, a: Tensor, b: Tensor) -> Tensor:
        return (a - b).square().flatten(1).mean(dim=1)


def _moments(rows: Tensor) -> Moments:
    return Moments(rows.double().mean(dim=0), torch.cov(rows.double().T))
