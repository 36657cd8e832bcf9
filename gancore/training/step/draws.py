"""Random numbers of training: each is a function of (seed, attempt, step, phase, purpose) and nothing else.

A microbatch or a process sees its part of what one process would have seen, and a resumed run sees what a run that
never stopped would have seen. `training.draws` has two ways to that: the numbers of the whole global batch are drawn on
the CPU and sliced, or the device computes those of its own samples.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from gancore.data.transfer import to_device
from gancore.nn.kernels import philox
from gancore.seeds import seed_of

Key = tuple[int | str, ...]


@dataclass(frozen=True)
class SeededDraw:
    """The `Draw` of the contracts: samples [start, stop) of a global batch, drawn on the CPU."""

    key: Key
    batch: int
    start: int
    stop: int
    device: torch.device

    @classmethod
    def whole(cls, key: Key, batch: int, device: torch.device | str = "cpu") -> "SeededDraw":
        """The draw of all samples of a batch."""
        return cls(key, batch, 0, batch, torch.device(device))

    @property
    def n(self) -> int:
        return self.stop - self.start

    def scoped(self, name: str) -> "SeededDraw":
        """The same samples with another set of streams."""
        return replace(self, key=(*self.key, name))

    def resized(self, n: int) -> "SeededDraw":
        """The draw of a batch in which every slice has `n` samples instead of its own number."""
        slices, index = self.batch // self.n, self.start // self.n
        return replace(self, batch=slices * n, start=index * n, stop=(index + 1) * n)

    def on(self, device: torch.device | str) -> "SeededDraw":
        """The same numbers on another device."""
        return replace(self, device=torch.device(device))

    def normal(self, purpose: str, shape: Sequence[int] = ()) -> Tensor:
        return self._slice(torch.randn(self.batch, *shape, generator=self._generator(purpose)))

    def uniform(self, purpose: str, shape: Sequence[int] = ()) -> Tensor:
        return self._slice(torch.rand(self.batch, *shape, generator=self._generator(purpose)))

    def once(self, purpose: str) -> float:
        return random.Random(seed_of(*self.key, purpose)).random()

    def _slice(self, values: Tensor) -> Tensor:
        return to_device(values[self.start : self.stop], self.device)

    def _generator(self, purpose: str) -> torch.Generator:
        return torch.Generator().manual_seed(seed_of(*self.key, purpose))


class DeviceDraw(SeededDraw):
    """The same samples; the device computes their numbers.

    Keys and purposes are keys of Philox, samples its counters: no number depends on the slice or on other processes.
    """

    def normal(self, purpose: str, shape: Sequence[int] = ()) -> Tensor:
        return philox.normal(seed_of(*self.key, purpose), self._samples(), shape).to(self.device)

    def uniform(self, purpose: str, shape: Sequence[int] = ()) -> Tensor:
        return philox.uniform(seed_of(*self.key, purpose), self._samples(), shape).to(self.device)

    def _samples(self) -> Tensor:
        return torch.arange(self.start, self.stop, device=philox.computing(self.device))


def data_order(seed: int, count: int, start: int, n: int) -> np.ndarray:
    """Indices [n] of the images at positions `start`, ... of an endless stream of shuffled epochs."""
    positions = np.arange(start, start + n)
    epochs = positions // count
    return np.concatenate([_shuffled(seed, count, int(e))[positions[epochs == e] % count] for e in np.unique(epochs)])


@lru_cache(maxsize=4)
def _shuffled(seed: int, count: int, epoch: int) -> np.ndarray:
    return np.random.Generator(np.random.PCG64(seed_of(seed, "order", epoch))).permutation(count)
