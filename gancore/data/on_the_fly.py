"""Images that are decoded each time they are needed (`data.decode: on_the_fly`), on all cores.

Memory is that of the images in use, however large the data set. Everything was decoded once before, to be
checked and hashed; each image is compared with its checksum from then, so training sees what the hash says.
"""

import os
import warnings
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from threading import Lock

import numpy as np

from gancore.contracts import Item
from gancore.data.decode import Form, Picture
from gancore.data.reading import CHUNK, Content, decoded, read
from gancore.data.rejected import Rejected
from gancore.errors import DataError


class OnTheFly:
    """Images [M, C, R, R], uint8; `images[index]` decodes those of an index, a slice or an array of indices.

    items: all of the data set; positions: those that are used, int64 [M]; None: all.
    checksums: crc32 of the pixels of each, uint32 [M].
    Any thread may ask; items are read by one at a time.
    """

    def __init__(self, items: Sequence[Item], positions: np.ndarray | None, form: Form, checksums: np.ndarray) -> None:
        self.shape = (len(checksums), *form.shape)
        self._items, self._positions, self._form, self._checksums = items, positions, form, checksums
        self._reading = Lock()
        warnings.filterwarnings("ignore", module=r"PIL\.")  # of small flaws; all were checked when hashed

    def __len__(self) -> int:
        return len(self._checksums)

    def __getitem__(self, index: int | slice | np.ndarray) -> np.ndarray:
        """uint8 [C, R, R], or [N, C, R, R]. Raises DataError for an image that is not what it was when hashed."""
        if isinstance(index, int):
            return self[np.array([range(len(self))[index]])][0]
        indices = np.arange(*index.indices(len(self))) if isinstance(index, slice) else index
        out = np.empty((len(indices), *self.shape[1:]), np.uint8)
        jobs = []
        with self._reading:
            for start in range(0, len(indices), CHUNK):
                chunk = indices[start : start + CHUNK]
                contents = [read(self._item(i)) for i in chunk]
                jobs.append(self._pool.submit(self._decode, chunk, contents, out[start : start + CHUNK]))
        for job in jobs:
            job.result()
        return out

    def _decode(self, indices: np.ndarray, contents: Sequence[Content | Rejected], out: np.ndarray) -> None:
        for row, (index, content) in enumerate(zip(indices, contents, strict=True)):
            found = decoded(content, self._form)
            if not isinstance(found, Picture):
                raise self._changed(index, str(found))
            if zlib.crc32(found.pixels.data) != self._checksums[index]:
                raise self._changed(index, "its pixels are others")
            out[row] = found.pixels

    def _changed(self, index: int, how: str) -> DataError:
        return DataError(f"{self._item(index).name} has changed since the images were first read: {how}")

    def _item(self, index: int) -> Item:
        return self._items[int(index if self._positions is None else self._positions[index])]

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(decoders(), "decode")


def decoders() -> int:
    """Threads that decode: the cores that this process may use, shared with the others that torchrun started here."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(cores // int(os.environ.get("LOCAL_WORLD_SIZE", "1")), 1)
