"""The contents of a foreign file, as data: arrays that have not been read yet, and records of unknown objects."""

import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gancore.errors import CheckpointError

MOST_DIMENSIONS = 16
DEEPEST = 64
"""Levels of nested containers and modules that are followed."""

DTYPES: Mapping[str, torch.dtype] = {
    "b1": torch.bool,
    "u1": torch.uint8,
    "i1": torch.int8,
    "i2": torch.int16,
    "i4": torch.int32,
    "i8": torch.int64,
    "f2": torch.float16,
    "f4": torch.float32,
    "f8": torch.float64,
}
"""NumPy's names of element types, kind and bytes, and the types of tensors."""


class Budget:
    """The limits of reading one file: steps, and bytes that are allocated rather than read in place.

    Every part of a file is paid for by the file's own size, so that a small file cannot ask for much.
    """

    def __init__(self, size: int) -> None:
        self.steps = 3_000_000
        self.bytes = 8 * size + (64 << 20)

    def step(self) -> None:
        """Pays for one operation. Raises CheckpointError when there have been too many."""
        self.steps -= 1
        if self.steps < 0:
            raise CheckpointError("has more parts than any checkpoint")
        self.pay(128)

    def pay(self, size: int) -> None:
        """Raises CheckpointError, before anything is allocated, when the file asks for too much."""
        self.bytes -= size
        if self.bytes < 0:
            raise CheckpointError("asks for far more memory than it has bytes")


@dataclass(eq=False)
class Storage:
    """A run of numbers in a file. `data` is None until its place is known; `crc` is checked at the first access."""

    itemsize: int
    dtype: torch.dtype
    data: memoryview | None = None
    crc: int | None = None

    def __len__(self) -> int:
        return 0 if self.data is None else len(self.data) // self.itemsize

    def bytes(self, first: int, last: int) -> memoryview:
        """The bytes of the elements from `first` to `last`, which is left out."""
        if self.data is None:
            raise CheckpointError("lacks the numbers of a tensor")
        if self.crc is not None:
            if zlib.crc32(self.data) != self.crc:
                raise CheckpointError("is damaged: the checksum of a tensor does not fit")
            self.crc = None
        return self.data[first * self.itemsize : last * self.itemsize]


@dataclass(frozen=True, eq=False)
class Array:
    """A tensor or array of a file: its shape is known, its numbers are read by `tensor()`.

    offset and strides count elements; big_endian: the bytes of a number begin with the most significant.
    """

    storage: Storage
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int = 0
    big_endian: bool = False
    dtype: torch.dtype = torch.float32
    budget: Budget | None = field(default=None, repr=False)

    @property
    def numel(self) -> int:
        return math.prod(self.shape)

    def check(self) -> None:
        """Raises CheckpointError unless the numbers lie within the storage, each of them once."""
        if any(size < 0 for size in self.shape) or any(step < 0 for step in self.strides) or self.offset < 0:
            raise CheckpointError("has a tensor with a negative size")
        if len(self.shape) > MOST_DIMENSIONS or len(self.shape) != len(self.strides):
            raise CheckpointError("has a tensor whose sizes and strides do not fit")
        if self.numel and (self._end > len(self.storage) or self.numel > len(self.storage)):
            raise CheckpointError(f"is truncated or damaged: a tensor {list(self.shape)} reaches beyond its storage")

    def meta(self) -> Tensor:
        """A tensor of this shape without numbers, in float32 where it is of floating type."""
        return torch.empty(
            self.shape, device="meta", dtype=torch.float32 if self.dtype.is_floating_point else self.dtype
        )

    def tensor(self, dtype: torch.dtype | None = None) -> Tensor:
        """The numbers, on the CPU, as `dtype` (default: as stored). Raises CheckpointError where they are damaged."""
        self.check()
        if self.budget is not None:
            self.budget.pay(self.numel * self.storage.itemsize)
        if not self.numel:
            return torch.zeros(self.shape, dtype=dtype or self.dtype)
        raw = bytearray(self.storage.bytes(self.offset, self._end))
        if self.big_endian:
            raw = bytearray(np.frombuffer(raw, f"u{self.storage.itemsize}").byteswap().tobytes())
        flat = torch.frombuffer(raw, dtype=self.dtype)
        return flat.as_strided(self.shape, self.strides).contiguous().to(dtype or self.dtype)

    @property
    def _end(self) -> int:
        """The place after the last element."""
        return self.offset + sum((size - 1) * step for size, step in zip(self.shape, self.strides, strict=True)) + 1


def contiguous(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Strides of a row-major array."""
    strides = [1]
    for size in shape[:0:-1]:
        strides.append(strides[-1] * max(size, 1))
    return tuple(strides[::-1])[: len(shape)] if shape else ()


@dataclass(eq=False)
class Record:
    """An object of a foreign class, as data: nothing of the class was imported or executed.

    name: the class, with its module where the file says it. state: its attributes; items: its entries, where it is a
    mapping; args: what it was made of.
    """

    name: str
    state: dict[Any, Any] = field(default_factory=dict)
    items: dict[Any, Any] = field(default_factory=dict)
    args: tuple[Any, ...] = ()
    persistent: bool = False
    """Whether the file contained the source of its class, which is neither executed nor kept."""

    def __repr__(self) -> str:
        return f"Record({self.name!r})"


def word(value: Any) -> str:
    """A value of a file as text, for a message or a lookup; of a value that is not plain, its type only.

    Containers of a file may hold one another many times, and writing them out would never end.
    """
    plain = isinstance(value, str | int | float | bool | None)
    return str(value)[:60] if plain else f"a {type(value).__name__}"


def entries(value: Any) -> Mapping[Any, Any]:
    """The entries of a mapping, also of one of a foreign class; none where it is not a mapping."""
    if isinstance(value, Record):
        return value.items or value.state
    return value if isinstance(value, dict) else {}


def state_of(module: Any) -> dict[str, Array]:
    """Parameters and buffers of a pickled module by their dotted names, in the order of the file."""
    found: dict[str, Array] = {}
    for path, inner in submodules(module).items():
        passing = inner.state.get("_non_persistent_buffers_set")
        for kind in ("_parameters", "_buffers"):
            for name, value in entries(inner.state.get(kind)).items():
                hidden = kind == "_buffers" and isinstance(passing, set) and name in passing
                if isinstance(value, Array) and not hidden:
                    found[_joined(path, name)] = value
    return found


def submodules(module: Any) -> dict[str, Record]:
    """A pickled module (under the name "") and all modules in it, by their dotted names; one that is shared, once."""
    found: dict[str, Record] = {}
    seen: set[int] = set()

    def visit(value: Any, path: str, depth: int) -> None:
        if not isinstance(value, Record) or id(value) in seen:
            return
        _check_depth(depth)
        seen.add(id(value))
        found[path] = value
        for name, child in entries(value.state.get("_modules")).items():
            visit(child, _joined(path, name), depth + 1)

    visit(module, "", 0)
    return found


def arrays(value: Any) -> dict[str, Array]:
    """All arrays in nested containers by their dotted path, those of modules by their names in a state dict.

    A container that is reached by several paths goes by the first.
    """
    found: dict[str, Array] = {}
    seen: set[int] = set()

    def visit(value: Any, path: str, depth: int) -> None:
        if isinstance(value, Array):
            found[path] = value
            return
        if not isinstance(value, Record | dict | list | tuple) or id(value) in seen:
            return
        _check_depth(depth)
        seen.add(id(value))
        if isinstance(value, Record) and "_modules" in value.state:
            found.update({_joined(path, name): array for name, array in state_of(value).items()})
            return
        inner = enumerate(value) if isinstance(value, list | tuple) else entries(value).items()
        for key, part in inner:
            visit(part, _joined(path, key), depth + 1)

    visit(value, "", 0)
    return found


def _check_depth(depth: int) -> None:
    if depth > DEEPEST:
        raise CheckpointError(f"has parts nested more than {DEEPEST} deep")


def _joined(path: str, name: Any) -> str:
    return f"{path}.{name}" if path else str(name)
