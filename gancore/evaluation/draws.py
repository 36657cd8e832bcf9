"""Random numbers of evaluation: each is a function of (seed, sample, purpose), not of the batch or the order."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from gancore.data.transfer import to_device
from gancore.nn.kernels import philox
from gancore.seeds import seed_of


@dataclass(frozen=True)
class SampleDraw:
    """The `Draw` of the contracts for samples `indices` of an endless, seeded sequence, drawn on the CPU one by one."""

    seed: int
    indices: Sequence[int]
    device: torch.device
    path: str = ""

    @property
    def n(self) -> int:
        return len(self.indices)

    def scoped(self, name: str) -> "SampleDraw":
        return replace(self, path=f"{self.path}{name}/")

    def on(self, device: torch.device | str) -> "SampleDraw":
        """The same numbers on another device."""
        return replace(self, device=torch.device(device))

    def normal(self, purpose: str, shape: Sequence[int] = ()) -> Tensor:
        return self._rows(torch.randn, purpose, shape)

    def uniform(self, purpose: str, shape: Sequence[int] = ()) -> Tensor:
        return self._rows(torch.rand, purpose, shape)

    def once(self, purpose: str) -> float:
        return random.Random(seed_of(self.seed, self.path + purpose)).random()

    def _rows(self, law: Callable[..., Tensor], purpose: str, shape: Sequence[int]) -> Tensor:
        generator = torch.Generator()
        rows = [
            law(tuple(shape), generator=generator.manual_seed(seed_of(self.seed, "sample", index, self.path + purpose)))
            for index in self.indices
        ]
        return to_device(torch.stack(rows), self.device)


class DeviceSampleDraw(SampleDraw):
    """The same samples, whose numbers the device computes all at once; see `gancore.philox`."""

    def normal(self, purpose: str, shape: Sequence[int] = ()) -> Tensor:
        return philox.normal(self._key(purpose), self._samples(), shape).to(self.device)

    def uniform(self, purpose: str, shape: Sequence[int] = ()) -> Tensor:
        return philox.uniform(self._key(purpose), self._samples(), shape).to(self.device)

    def _key(self, purpose: str) -> int:
        return seed_of(self.seed, "samples", self.path + purpose)

    def _samples(self) -> Tensor:
        where = philox.computing(self.device)
        if isinstance(self.indices, range):
            return torch.arange(self.indices.start, self.indices.stop, self.indices.step, device=where)
        return to_device(torch.tensor(list(self.indices)), where)


DRAWS = {"host": SampleDraw, "device": DeviceSampleDraw}
"""Values of `evaluation.draws`."""
