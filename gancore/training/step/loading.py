"""Real images of the coming steps, read, decoded, mirrored and pinned by a thread while the device trains."""

import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager

import numpy as np
import torch
from torch import Tensor

from gancore.data import ImageData
from gancore.training.step.reals import RealIndices

Key = tuple[int, int, int]
"""(attempt, step, critic step) of a batch."""

STEPS_AHEAD = 3
"""Steps beyond the present one whose images are in memory; more wait until these are used."""


@contextmanager
def loading(data: ImageData, device: torch.device) -> Iterator["Loader | None"]:
    """A context with a loader; None where the images are in memory, and are to stay there."""
    gpu = device.type == "cuda"
    if not gpu and isinstance(data.images, np.ndarray):
        yield None
        return
    with closing(Loader(data, pin=gpu)) as loader:
        yield loader


class Loader:
    """Prepares this process's part of the coming batches. Batches that are not expected again are dropped.

    waited: seconds for which training waited for images, since `read` was called.
    """

    def __init__(self, data: ImageData, pin: bool) -> None:
        """`pin`: whether the images go to a GPU."""
        self._data, self._pin, self._waited = data, pin, 0.0
        self._thread = ThreadPoolExecutor(1, "load")
        self._coming: dict[Key, Future[Tensor]] = {}

    def expect(self, coming: Iterable[tuple[Key, RealIndices]]) -> None:
        """The batches of this step and of the next ones, in order; those that are new are begun."""
        before, self._coming = self._coming, {}
        for key, reals in coming:
            self._coming[key] = before.pop(key) if key in before else self._thread.submit(self._load, reals)
        for future in before.values():
            future.cancel()

    def filled(self, key: Key, reals: RealIndices) -> RealIndices:
        """The batch with its pixels, if it was expected. Waits for them. Raises DataError where they have changed."""
        if key not in self._coming:
            return reals
        started = time.perf_counter()
        pixels = self._coming[key].result()
        self._waited += time.perf_counter() - started
        return RealIndices(reals.indices, reals.flip, pixels)

    def read(self) -> float:
        """Seconds that training has waited since this was last called."""
        waited, self._waited = self._waited, 0.0
        return waited

    def close(self) -> None:
        """Ends the thread."""
        self._thread.shutdown(cancel_futures=True)

    def _load(self, reals: RealIndices) -> Tensor:
        pixels = self._data.pixels(reals.indices, reals.flip)
        return pixels.pin_memory() if self._pin else pixels
