"""Compares the tensors of two files of any origin."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from safetensors import safe_open
from torch import Tensor

from gancore.discovery import discover
from gancore.interop.importing import formats_of, open_foreign
from gancore.interop.inspecting import described
from gancore.interop.reading import telling
from gancore.registry import Registry


@dataclass(frozen=True)
class TensorDifference:
    """A difference: a tensor in one file only, of another shape, or with other numbers."""

    name: str
    what: str

    def __str__(self) -> str:
        return f"{self.name}: {self.what}"


def diff(first: str | Path, second: str | Path, registry: Registry | None = None) -> Iterator[TensorDifference]:
    """The differences between two files, by name. Raises CheckpointError for a file that cannot be read."""
    registry = registry or discover()
    a, b = _Tensors(Path(first), registry), _Tensors(Path(second), registry)
    for name in sorted({*a.shapes, *b.shapes}):
        if name not in b.shapes or name not in a.shapes:
            only, shape = ("first", a.shapes[name]) if name in a.shapes else ("second", b.shapes[name])
            yield TensorDifference(name, f"in the {only} only, {list(shape)}")
        elif a.shapes[name] != b.shapes[name]:
            yield TensorDifference(name, f"{list(a.shapes[name])} -> {list(b.shapes[name])}")
        elif (how := _different(a.tensor(name), b.tensor(name))) is not None:
            yield TensorDifference(name, how)


class _Tensors:
    """Shapes of all tensors of a file, and one tensor at a time."""

    def __init__(self, path: Path, registry: Registry) -> None:
        self.path = path
        self.own = described(path) is not None
        if self.own:
            with safe_open(path, framework="pt") as file:
                names = list(file.keys())
                self.shapes = {name: tuple(file.get_slice(name).get_shape()) for name in names}
        else:
            self.file = open_foreign(path, formats_of(registry))
            self.shapes = {name: array.shape for name, array in self.file.arrays.items()}

    def tensor(self, name: str) -> Tensor:
        if not self.own:
            with telling(self.path, f"{self.file.container} that"):
                return self.file.arrays[name].tensor()
        with safe_open(self.path, framework="pt") as file:
            return file.get_tensor(name)


def _different(a: Tensor, b: Tensor) -> str | None:
    """How two tensors of one shape differ; None if they are equal."""
    kinds = f"{a.dtype} -> {b.dtype}; ".replace("torch.", "") if a.dtype != b.dtype else ""
    a, b = a.double(), b.double()
    if not a.numel() or bool(((a == b) | (a.isnan() & b.isnan())).all()):
        return kinds.rstrip("; ") or None
    return f"{kinds}largest difference {float((a - b).abs().max()):.3g}, largest value {float(a.abs().max()):.3g}"
