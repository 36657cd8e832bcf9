"""Element types and arrays as numpy pickles them: made empty first, and given their state later."""

import re
from typing import Any

import numpy as np
import torch

from gancore.errors import CheckpointError
from gancore.interop.machine import Buildable
from gancore.interop.values import DTYPES, Array, Budget, Storage, contiguous, word

DTYPE_CODE = re.compile(r"([<>=|]?)(b1|u1|i[1248]|u[1248]|f[248])")


class NumpyType(Buildable):
    """A numpy dtype."""

    def __init__(self, code: str, *_: Any) -> None:
        if not isinstance(code, str) or (found := DTYPE_CODE.fullmatch(code)) is None:
            raise CheckpointError(f"has an array of type {word(code)!r}, which holds no plain numbers")
        self.code = found[2]
        self.big_endian = found[1] == ">"

    def build(self, state: Any) -> None:
        if isinstance(state, tuple) and len(state) > 1:
            self.big_endian = state[1] == ">"

    @property
    def itemsize(self) -> int:
        return int(self.code[1])

    @property
    def dtype(self) -> torch.dtype:
        """The type of a tensor of these. Raises CheckpointError where tensors have none like it."""
        if self.code not in DTYPES:
            raise CheckpointError(f"has an array of type {self.code!r}, which no tensor has")
        return DTYPES[self.code]

    def numpy(self) -> np.dtype[Any]:
        return np.dtype((">" if self.big_endian else "<") + self.code)


class NumpyArray(Buildable):
    """A numpy array, empty until its state is given."""

    def __init__(self, *_: Any) -> None:
        self.array: Array | None = None
        self.budget: Budget | None = None

    def build(self, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) != 5:
            raise CheckpointError("is damaged: an array without a whole state")
        _, shape, dtype, fortran, data = state
        if not isinstance(dtype, NumpyType) or not isinstance(data, bytes | str | memoryview):
            raise CheckpointError("has an array of objects")
        self.array = array_of(data, sizes_of(shape), dtype, bool(fortran), self.budget)


def array_of(
    data: Any, shape: tuple[int, ...], dtype: NumpyType, fortran: bool = False, budget: Budget | None = None
) -> Array:
    """A numpy array of raw bytes. Raises CheckpointError where these do not fit the shape."""
    storage = Storage(dtype.itemsize, dtype.dtype, memoryview(bytes_of(data)))
    strides = contiguous(shape[::-1])[::-1] if fortran else contiguous(shape)
    array = Array(storage, shape, strides, 0, dtype.big_endian, dtype.dtype, budget)
    array.check()
    if array.numel != len(storage):
        raise CheckpointError(f"is damaged: an array {list(shape)} of {len(storage)} numbers")
    return array


def sizes_of(value: Any) -> tuple[int, ...]:
    """Sizes or strides of a file. Raises CheckpointError unless they are whole numbers from 0 up."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = (value,)
    if not isinstance(value, tuple | list) or not all(type(size) is int and 0 <= size < 1 << 40 for size in value):
        raise CheckpointError("is damaged: a tensor with impossible sizes")
    return tuple(value)


def bytes_of(data: Any) -> Any:
    """Bytes, or a view of them; text is that of Python 2."""
    if isinstance(data, str):
        return data.encode("latin-1")
    if not isinstance(data, bytes | memoryview):
        raise CheckpointError("is damaged: numbers that are not bytes")
    return data
