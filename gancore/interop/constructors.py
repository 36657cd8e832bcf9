"""The allow-list: the names that a pickle may use, and the data that replace them.

Tensors, arrays and plain containers have constructors here. Classes that a format declares
(`Format.classes`) become records. For any other name, reading stops and the error has that name.
"""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch

from gancore.errors import CheckpointError
from gancore.interop.machine import Buildable, Machine, Maker
from gancore.interop.numpy_arrays import NumpyArray, NumpyType, array_of, bytes_of, sizes_of
from gancore.interop.values import Array, Budget, Record, Storage, word

ALIASES = {"__builtin__": "builtins", "copy_reg": "copyreg", "UserDict": "collections"}
"""Modules of Python 2, and their names today."""

STORAGES: Mapping[str, torch.dtype] = {
    "FloatStorage": torch.float32,
    "DoubleStorage": torch.float64,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
    "UntypedStorage": torch.uint8,
}

TORCH_DTYPES: Mapping[str, torch.dtype] = {
    str(dtype).removeprefix("torch."): dtype for dtype in {*STORAGES.values(), torch.complex64}
}


class Named:
    """A class or constant that is only ever passed on: an element type, a storage class."""

    def __init__(self, name: str, value: Any = None) -> None:
        self.name, self.value = name, value


class Stub(Named):
    """A class that a format declares; its instances are records."""


class Constructors:
    """The meanings of the names in one file. `classes` are patterns: "torch.nn.*", "argparse.Namespace"."""

    def __init__(self, classes: Iterable[str], budget: Budget, nested: Any = None) -> None:
        """`nested` reads the bytes of a storage that torch pickled within a pickle."""
        self.budget, self.nested = budget, nested
        exact: list[str] = []
        beginnings: list[str] = []
        for name in classes:
            (beginnings if name.endswith(".*") else exact).append(name.removesuffix("*"))
        self.exact, self.beginnings = frozenset(exact), tuple(beginnings)

    def __call__(self, module: str, name: str) -> Any:
        """Raises CheckpointError for a name that is not allowed."""
        module = ALIASES.get(module, module)
        full = f"{module}.{name}".replace("numpy.core.", "numpy._core.", 1)
        if full in MAKERS:
            return Maker(full, partial(MAKERS[full], self))
        if full in CONSTANTS:
            return CONSTANTS[full]
        if full in self.exact or full.startswith(self.beginnings):
            return Stub(full)
        raise CheckpointError(f"asks for {_shown(full)}, which is not needed to read a checkpoint")

    def build(self, target: Any, state: Any) -> None:
        """What BUILD does: the attributes of a record, the contents of an array."""
        if isinstance(target, Buildable):
            if isinstance(target, NumpyArray):
                target.budget = self.budget
            target.build(state)
        elif isinstance(target, Record):
            parts = state if isinstance(state, tuple) and len(state) == 2 else (state,)
            for part in parts:
                if isinstance(part, Record):
                    target.state.update(part.items)
                elif isinstance(part, dict):
                    target.state.update(part)
                elif part is not None:
                    target.args = (*target.args, part)
        elif not isinstance(target, dict | Array | set | list):  # attributes of those hold no numbers
            raise CheckpointError("asks to change something that has no state")

    def new(self, cls: Any, arguments: Any) -> Any:
        """What NEWOBJ does: a record of a declared class, or a plain container."""
        if not isinstance(arguments, tuple):
            raise CheckpointError("is damaged: a pickle with a call that has no tuple of arguments")
        if isinstance(cls, Stub):
            return Record(cls.name, args=arguments)
        if isinstance(cls, Maker):
            return cls.make(*arguments)
        raise CheckpointError(f"asks to make {getattr(cls, 'name', 'something')}")


# The makers. The first argument of each is the file's constructors.


def _dict(_: Constructors, pairs: Any = ()) -> dict[Any, Any]:
    pairs = list(pairs.items()) if isinstance(pairs, dict) else pairs
    return {key if isinstance(key, str | int | float | bytes | bool) else _bad_key(): value for key, value in pairs}


def _defaultdict(_: Constructors, factory: Any = None, pairs: Any = ()) -> dict[Any, Any]:
    return _dict(_, pairs)


def _set(_: Constructors, values: Any = ()) -> set[Any]:
    return {value if isinstance(value, str | int | float | bytes | bool | None) else _bad_key() for value in values}


def _list(_: Constructors, values: Any = ()) -> list[Any]:
    return list(_sequence(values))


def _tuple(_: Constructors, values: Any = ()) -> tuple[Any, ...]:
    return tuple(_sequence(values))


def _encode(these: Constructors, text: Any, encoding: Any = "latin1") -> bytes:
    """Bytes, which protocols 0 to 2 write as text."""
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise CheckpointError("is damaged: bytes that are not written as text")
    these.budget.pay(len(text))
    return text.encode("latin-1")


def _reconstructor(_: Constructors, cls: Any, base: Any, state: Any = None) -> Record:
    if not isinstance(cls, Stub):
        raise CheckpointError(f"asks to make {getattr(cls, 'name', 'something')}")
    return Record(cls.name, items=dict(state) if isinstance(state, dict) else {})


def _persistent_object(_: Constructors, meta: Any) -> Record:
    """An object that NVIDIA's code pickled together with the source of its class, which is dropped."""
    values = meta.items if isinstance(meta, Record) else meta
    if not isinstance(values, dict) or not isinstance(values.get("class_name"), str):
        raise CheckpointError("is damaged: an object without a class name")
    state = values.get("state")
    values.pop("module_src", None)
    if not isinstance(state, dict):
        raise CheckpointError("is damaged: an object without a state")
    return Record(values["class_name"], state, persistent=True)


def _storage(these: Constructors, data: Any) -> Storage:
    """A storage that an older torch pickled as a separate file."""
    found = these.nested(memoryview(bytes_of(data)))
    if not isinstance(found, Storage):
        raise CheckpointError("is damaged: not a storage")
    return found


def _tensor(
    these: Constructors, storage: Any, offset: Any, size: Any, stride: Any, *_: Any, dtype: torch.dtype | None = None
) -> Array:
    if not isinstance(storage, Storage) or not isinstance(offset, int):
        raise CheckpointError("is damaged: a tensor without a storage")
    array = Array(storage, sizes_of(size), sizes_of(stride), offset, dtype=dtype or storage.dtype, budget=these.budget)
    if len(array.shape) != len(array.strides):
        raise CheckpointError("is damaged: a tensor whose sizes and strides do not fit")
    return array


def _tensor_v3(
    these: Constructors, storage: Any, offset: Any, size: Any, stride: Any, grad: Any, hooks: Any, dtype: Any, *_: Any
) -> Array:
    if not isinstance(storage, Storage) or not isinstance(dtype, Named) or not isinstance(dtype.value, torch.dtype):
        raise CheckpointError("is damaged: a tensor without a type")
    typed = Storage(dtype.value.itemsize, dtype.value, storage.data, storage.crc)
    return _tensor(these, typed, offset, size, stride)


def _parameter(_: Constructors, data: Any, *__: Any) -> Any:
    return data


def _from_type(_: Constructors, make: Any, kind: Any, arguments: Any, state: Any = None) -> Any:
    if not isinstance(make, Maker) or not isinstance(arguments, tuple):
        raise CheckpointError(f"asks to call {getattr(make, 'name', 'something')}")
    return make.make(*arguments)


def _scalar(_: Constructors, dtype: Any, data: Any = b"") -> Any:
    if not isinstance(dtype, NumpyType):
        raise CheckpointError("has a number of no plain type")
    raw = bytes(bytes_of(data))
    if len(raw) != dtype.itemsize:
        raise CheckpointError("is damaged: a number of the wrong length")
    return np.frombuffer(raw, dtype.numpy())[0].item()


def _from_buffer(these: Constructors, data: Any, dtype: Any, shape: Any, order: Any = "C") -> Array:
    """An array of protocol 5."""
    if not isinstance(dtype, NumpyType):
        raise CheckpointError("has an array of objects")
    return array_of(data, sizes_of(shape), dtype, order == "F", these.budget)


def _device(_: Constructors, *parts: Any) -> str:
    return ":".join(map(word, parts))


def _complex(_: Constructors, real: Any, imag: Any = 0) -> complex:
    return complex(float(real), float(imag))


def _bytearray(these: Constructors, data: Any = b"", encoding: Any = None) -> bytes:
    raw = bytes_of(data)
    these.budget.pay(len(raw))
    return bytes(raw)


MAKERS: Mapping[str, Any] = {
    "builtins.dict": _dict,
    "builtins.set": _set,
    "builtins.frozenset": _set,
    "builtins.list": _list,
    "builtins.tuple": _tuple,
    "builtins.bytearray": _bytearray,
    "builtins.bytes": _bytearray,
    "builtins.complex": _complex,
    "collections.OrderedDict": _dict,
    "collections.defaultdict": _defaultdict,
    "collections.Counter": _dict,
    "_codecs.encode": _encode,
    "copyreg._reconstructor": _reconstructor,
    "numpy.dtype": lambda _, *arguments: NumpyType(*arguments),
    "numpy._core.multiarray._reconstruct": lambda _, *arguments: NumpyArray(*arguments),
    "numpy._core.multiarray.scalar": _scalar,
    "numpy._core.numeric._frombuffer": _from_buffer,
    "torch.Size": _tuple,
    "torch.device": _device,
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_tensor_v3": _tensor_v3,
    "torch._utils._rebuild_parameter": _parameter,
    "torch._utils._rebuild_parameter_with_state": _parameter,
    "torch._tensor._rebuild_from_type_v2": _from_type,
    "torch.storage._load_from_bytes": _storage,
    "torch_utils.persistence._reconstruct_persistent_obj": _persistent_object,
}
"""Allowed constructors, by the names that pickles use."""

CONSTANTS: Mapping[str, Named] = {
    name: Named(name, value)
    for name, value in {
        "builtins.object": None,
        "builtins.int": None,
        "builtins.float": None,
        "builtins.bool": None,
        "builtins.str": None,
        "numpy.ndarray": None,
        "torch.Tensor": None,
        "torch.nn.parameter.Parameter": None,
        **{f"torch.{name}": dtype for name, dtype in {**STORAGES, **TORCH_DTYPES}.items()},
        **{f"torch.cuda.{name}": dtype for name, dtype in STORAGES.items()},
        "torch.storage.UntypedStorage": torch.uint8,
        "torch.storage.TypedStorage": torch.uint8,
    }.items()
}
"""Classes and constants that are passed on, never called."""


def finished(value: Any, budget: Budget) -> Any:
    """A value that was read, with each NumpyArray replaced by its array; changes containers in place."""
    seen: set[int] = set()
    holder = [value]
    pending: list[Any] = [holder]
    while pending:
        container = pending.pop()
        if id(container) in seen:
            continue
        seen.add(id(container))
        budget.step()
        for key, part in list(container.items() if isinstance(container, dict) else enumerate(container)):
            if isinstance(part, NumpyArray):
                container[key] = _whole(part)
            elif isinstance(part, tuple) and any(
                isinstance(inner, NumpyArray | tuple | list | dict | Record) for inner in part
            ):
                container[key] = part = [_whole(inner) if isinstance(inner, NumpyArray) else inner for inner in part]
                pending.append(part)
            elif isinstance(part, list | dict):
                pending.append(part)
            elif isinstance(part, Record):
                part.args = tuple(_whole(inner) if isinstance(inner, NumpyArray) else inner for inner in part.args)
                pending += [part.state, part.items]
    return holder[0]


def machine_of(data: memoryview, names: Constructors, persistent: Any = None) -> Machine:
    """A machine that reads `data` with these constructors."""
    return Machine(data, names, names.budget, names.build, names.new, persistent)


def _whole(array: NumpyArray) -> Array:
    if array.array is None:
        raise CheckpointError("is damaged: an array without numbers")
    return array.array


def _sequence(values: Any) -> Any:
    if not isinstance(values, tuple | list | set | dict):
        raise CheckpointError("is damaged: not a list")
    return values


def _bad_key() -> Any:
    raise CheckpointError("has a key that is not plain")


def _shown(name: str) -> str:
    """A name from a file as one line of a message."""
    return name[:100].encode("unicode_escape").decode()
