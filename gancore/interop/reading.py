"""Opens a foreign file: tells the kind of container by its first bytes, and reads its contents as data."""

import json
import mmap
import re
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from pydantic import TypeAdapter

from gancore.artifacts.reading import Form, read_json
from gancore.errors import CheckpointError, RunError
from gancore.interop.constructors import Constructors, Named, finished, machine_of
from gancore.interop.numpy_arrays import DTYPE_CODE, NumpyType, array_of
from gancore.interop.values import Array, Budget, Storage, arrays, contiguous, entries, word

MAGIC = 0x1950A86A20F9469CFC6C
"""The first pickle of a file by torch before 1.6."""
LONGEST_REASON = 500
"""Longest message, in characters; it may contain names from the file."""
LARGEST_HEADER = 16 << 20
"""Bytes of the header of a safetensors file, or of the table of contents of a zip archive."""
LARGEST_CONFIG = 1 << 20

OTHERS: Mapping[bytes, str] = {
    b"\x1f\x8b": "a gzip archive",
    b"\x89HDF": "an HDF5 file",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"7z\xbc\xaf": "a 7z archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"GGUF": "a GGUF file",
    b"<!DO": "a web page (was the download refused?)",
    b"<htm": "a web page (was the download refused?)",
    b"version https://git-lfs": "a pointer of Git LFS; fetch the file itself",
}
"""First bytes of files that are not checkpoints, and what they are."""

SAFETENSORS: Mapping[str, torch.dtype] = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}


@dataclass(frozen=True)
class Foreign:
    """A file of another project.

    container: what it is, "a torch file (zip)", "a pickle (protocol 4)", "a folder with config.json".
    contents: dicts, lists, numbers, text, `Array` and `Record`.
    asked: the names that its pickles ask for.
    """

    path: Path
    size: int
    container: str
    contents: Any
    asked: tuple[str, ...] = ()
    companions: tuple["Foreign", ...] = ()
    """Files of the same model, for projects that write a file for each network."""

    @property
    def with_companions(self) -> tuple["Foreign", ...]:
        """This file and its companions."""
        return self, *self.companions

    @property
    def keys(self) -> frozenset[str]:
        """The keys at the top, where the contents are a mapping."""
        return frozenset(key for key in entries(self.contents) if isinstance(key, str))

    @cached_property
    def arrays(self) -> dict[str, Array]:
        """All arrays by their dotted path."""
        return arrays(self.contents)


@contextmanager
def telling(path: Path, what: str) -> Iterator[None]:
    """Turns any error of a hostile file into a CheckpointError, "PATH: WHAT REASON", on one line."""
    try:
        yield
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {what} {' '.join(str(error).split())[:LONGEST_REASON]}") from error
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (Exception, RecursionError, MemoryError) as error:  # a hostile file may raise anything in what parses it
        raise CheckpointError(f"{path}: {what} is damaged: it cannot be parsed ({type(error).__name__})") from error


def read(path: str | Path, classes: Iterable[str] = ()) -> Foreign:
    """The contents of a file or folder, no weights loaded. `classes` are those that may be read as records.

    Raises CheckpointError, on one line that says what the file is and what was refused. Nothing is executed.
    """
    path = Path(path)
    if path.is_dir():
        return _folder(path, classes)
    with telling(path, "a file that"):
        size = path.stat().st_size
        if not path.is_file():
            raise CheckpointError(f"{path}: not a file")
        if not size:
            raise CheckpointError("is empty")
        with path.open("rb") as file:
            data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        kind, reader = _kind(data)
    with telling(path, kind):
        return reader(path, data, classes)


def read_pickle(content: bytes, where: str) -> Any:
    """The object of a pickle that lies in a file of another kind. Raises CheckpointError as `read` does."""
    with telling(Path(where), "a pickle that"):
        if not content:
            raise CheckpointError("is empty")
        return _pickle(Path(where), memoryview(content), ()).contents


def read_settings(path: Path, form: TypeAdapter[Form]) -> Form | None:
    """A JSON file beside a checkpoint, of a given form; None if there is none. Raises CheckpointError."""
    try:
        return read_json(path, form)
    except FileNotFoundError:
        return None
    except RunError as error:
        raise CheckpointError(f"has settings beside it that cannot be used: {error}") from error


def _kind(data: memoryview) -> tuple[str, Any]:
    """The kind of a file by its first bytes, and its reader."""
    head = bytes(data[:32])
    for beginning, what in OTHERS.items():
        if head.startswith(beginning):
            raise CheckpointError(f"is {what}, not a checkpoint")
    if head.startswith(b"PK"):
        return "a zip archive that", _zip
    if len(data) > 8 and data[8] == ord("{") and struct.unpack("<Q", head[:8])[0] <= len(data) - 8:
        return "a safetensors file that", _safetensors
    if bytes(data[257:262]) == b"ustar":
        raise CheckpointError("is a tar archive (torch before 0.1.12), which cannot be read")
    if head.startswith(b"\x93NUMPY"):
        return "a numpy array that", _single_npy
    if head.startswith(b"\x80") and _begins_with_magic(head):
        return "a torch file (legacy) that", _legacy
    if head[0] not in b"\x80(}]cilNI.":
        raise CheckpointError("is not a pickle, torch, safetensors or npz file")
    return "a pickle that", _pickle


def _begins_with_magic(head: bytes) -> bool:
    return MAGIC.to_bytes(10, "little") in head


def _pickle(path: Path, data: memoryview, classes: Iterable[str]) -> Foreign:
    budget = Budget(len(data))
    names = _names(classes, budget)
    machine = machine_of(data, names)
    value = finished(machine.read(), budget)
    protocol = max(machine.protocols, default=0)
    return Foreign(path, len(data), f"a pickle (protocol {protocol})", value, tuple(machine.asked))


def _names(classes: Iterable[str], budget: Budget, depth: int = 0) -> Constructors:
    def nested(data: memoryview) -> Any:
        """A storage within a pickle; those hold no further ones."""
        if depth:
            raise CheckpointError("has storages within storages")
        return _legacy_parts(data, _names((), budget, depth + 1))[0]

    return Constructors(classes, budget, nested)


def _legacy(path: Path, data: memoryview, classes: Iterable[str]) -> Foreign:
    budget = Budget(len(data))
    value, asked = _legacy_parts(data, _names(classes, budget))
    return Foreign(path, len(data), "a torch file (legacy)", finished(value, budget), asked)


def _legacy_parts(data: memoryview, names: Constructors) -> tuple[Any, tuple[str, ...]]:
    """The object of a legacy torch file, whose storages follow it, and the names that it asks for."""
    storages: dict[str, tuple[Storage, int]] = {}

    def persistent(identity: Any) -> Storage:
        kind, cls, key, _, numel, *_ = identity if isinstance(identity, tuple) and len(identity) >= 5 else [None] * 5
        if kind != "storage" or not isinstance(cls, Named) or not isinstance(cls.value, torch.dtype):
            raise CheckpointError("refers to data outside the file that is not a storage")
        numel = _count(numel)
        if not isinstance(key, str):
            raise CheckpointError("refers to a storage without a name")
        if key not in storages:
            storages[key] = Storage(cls.value.itemsize, cls.value), numel
        return storages[key][0]

    machine = machine_of(data, names, persistent)
    if machine.read() != MAGIC or machine.read() != 1001:
        raise CheckpointError("has another version than torch's legacy files have")
    machine.read()  # byte order and sizes of the machine that wrote it, which torch ignores, too
    value = machine.read()
    order = machine.read()
    if not isinstance(order, list) or not all(isinstance(key, str) for key in order) or set(order) != set(storages):
        raise CheckpointError("is damaged: its list of storages does not fit")
    place = machine.place
    for key in order:
        storage, numel = storages[key]
        if storage.data is not None:
            raise CheckpointError("is damaged: a storage that comes twice")
        there = struct.unpack("<q", bytes(data[place : place + 8]) or b"")[0] if len(data) - place >= 8 else -1
        end = place + 8 + numel * storage.itemsize
        if there != numel or end > len(data):
            raise CheckpointError(f"is truncated or damaged: a storage of {numel} numbers is missing")
        storage.data, place = data[place + 8 : end], end
    return value, tuple(machine.asked)


def _zip(path: Path, data: memoryview, classes: Iterable[str]) -> Foreign:
    if _contents_size(data) > LARGEST_HEADER:
        raise CheckpointError("has more entries than any checkpoint")
    try:
        with zipfile.ZipFile(path) as archive:
            infos = {info.filename: info for info in archive.infolist()}
    except zipfile.BadZipFile as error:
        raise CheckpointError("is truncated or damaged: it has no table of contents") from error
    pickles = [name for name in infos if name == "data.pkl" or name.endswith("/data.pkl")]
    if not pickles and any(name.endswith(".npy") for name in infos):
        return _npz(path, data, infos)
    if any("/code/" in name for name in infos):
        raise CheckpointError("is a TorchScript program, not a checkpoint")
    if len(pickles) != 1:
        raise CheckpointError("holds no torch file and no arrays")
    root = pickles[0].removesuffix("data.pkl")
    budget = Budget(len(data))
    storages: dict[str, Storage] = {}
    order = infos.get(f"{root}byteorder")
    if order is not None and bytes(_stored(data, order)) != b"little":
        raise CheckpointError("was written on a machine with another byte order")

    def persistent(identity: Any) -> Storage:
        kind, cls, key, _, numel, *_ = identity if isinstance(identity, tuple) and len(identity) >= 5 else [None] * 5
        if kind != "storage" or not isinstance(cls, Named) or not isinstance(cls.value, torch.dtype):
            raise CheckpointError("refers to data outside the file that is not a storage")
        if not isinstance(key, str) or (info := infos.get(f"{root}data/{key}")) is None:
            raise CheckpointError("lacks the numbers of a tensor")
        if (name := info.filename) not in storages:
            found = Storage(cls.value.itemsize, cls.value, _stored(data, info), info.CRC)
            if _count(numel) > len(found):
                raise CheckpointError(f"is truncated or damaged: a storage of {numel} numbers is missing")
            storages[name] = found
        return storages[name]

    pickled = _stored(data, infos[pickles[0]])
    if zlib.crc32(pickled) != infos[pickles[0]].CRC:
        raise CheckpointError("is damaged: a checksum does not fit")
    machine = machine_of(pickled, _names(classes, budget), persistent)
    value = finished(machine.read(), budget)
    return Foreign(path, len(data), "a torch file (zip)", value, tuple(machine.asked))


def _contents_size(data: memoryview) -> int:
    """Bytes of the table of contents, according to the end of the archive; 0 if there is none."""
    end = bytes(data[-(1 << 17) :])
    sizes = [
        struct.unpack(form, end[at + offset : at + offset + struct.calcsize(form)])[0]
        for mark, offset, form, least in ((b"PK\5\6", 12, "<I", 22), (b"PK\6\6", 40, "<Q", 56))
        if (at := end.rfind(mark)) >= 0 and at + least <= len(end)
    ]
    return max((size for size in sizes if size != 0xFFFFFFFF), default=0)


def _stored(data: memoryview, info: zipfile.ZipInfo) -> memoryview:
    """A view of the bytes of an entry, which must not be compressed."""
    if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1:
        raise CheckpointError("is compressed or encrypted, which torch does not do")
    header = bytes(data[info.header_offset : info.header_offset + 30])
    if len(header) < 30 or header[:4] != b"PK\x03\x04":
        raise CheckpointError("is damaged: an entry is not where the table of contents says")
    begin = info.header_offset + 30 + sum(struct.unpack("<HH", header[26:30]))
    if info.file_size != info.compress_size or begin + info.file_size > len(data):
        raise CheckpointError("is truncated or damaged: an entry reaches beyond its end")
    return data[begin : begin + info.file_size]


def _npz(path: Path, data: memoryview, infos: Mapping[str, zipfile.ZipInfo]) -> Foreign:
    budget = Budget(len(data))
    found: dict[str, Array] = {}
    with zipfile.ZipFile(path) as archive:
        for name, info in infos.items():
            if not name.endswith(".npy"):
                continue
            budget.pay(info.file_size)
            with archive.open(info) as entry:
                raw = entry.read(info.file_size)
            found[name.removesuffix(".npy")] = _npy(raw, budget)
    return Foreign(path, len(data), "a numpy archive (npz)", found)


def _single_npy(path: Path, data: memoryview, classes: Iterable[str]) -> Foreign:
    return Foreign(path, len(data), "a numpy array", _npy(bytes(data), Budget(len(data))))


NPY = re.compile(r"'(descr|shape|fortran_order)': *('[^']*'|\([0-9, ]*\)|True|False)")


def _npy(raw: bytes, budget: Budget) -> Array:
    """An array of numpy's own format, whose header is a Python literal of a fixed form."""
    if raw[:6] != b"\x93NUMPY" or len(raw) < 12:
        raise CheckpointError("is damaged: an entry is not a numpy array")
    wide = raw[6] > 1
    begin = 12 if wide else 10
    size = struct.unpack("<I" if wide else "<H", raw[8:begin])[0]
    header = dict(NPY.findall(raw[begin : begin + min(size, 10_000)].decode("latin-1")))
    code = header["descr"].strip("'")
    if DTYPE_CODE.fullmatch(code) is None:
        raise CheckpointError(f"has an array of type {code[:20]!r}, which holds no plain numbers")
    shape = tuple(int(part) for part in header["shape"].strip("()").split(",") if part.strip())
    fortran = header["fortran_order"] == "True"
    return array_of(memoryview(raw)[begin + size :], shape, NumpyType(code), fortran, budget)


def _safetensors(path: Path, data: memoryview, classes: Iterable[str]) -> Foreign:
    header, begin = _header(data)
    metadata = header.pop("__metadata__", None) or {}
    if "gancore" in metadata:
        raise CheckpointError("is gancore's own; it needs no import")
    budget = Budget(len(data))
    return Foreign(path, len(data), "a safetensors file", _safe_arrays(header, data[begin:], budget))


def _header(data: memoryview) -> tuple[dict[str, Any], int]:
    size = struct.unpack("<Q", data[:8])[0]
    if size > min(LARGEST_HEADER, len(data) - 8):
        raise CheckpointError("is truncated or damaged: its header is missing")
    header = json.loads(bytes(data[8 : 8 + size]))
    if not isinstance(header, dict):
        raise CheckpointError("is damaged: its header is not a JSON object")
    return header, 8 + size


def _safe_arrays(header: Mapping[str, Any], data: memoryview, budget: Budget) -> dict[str, Array]:
    found: dict[str, Array] = {}
    for name, entry in header.items():
        dtype = SAFETENSORS.get(entry["dtype"])
        if dtype is None:
            raise CheckpointError(f"has a tensor of type {word(entry['dtype'])!r}, which is unknown")
        first, last = map(_count, entry["data_offsets"])
        shape = tuple(map(_count, entry["shape"]))
        if not first <= last <= len(data):
            raise CheckpointError("is truncated or damaged: a tensor reaches beyond its end")
        storage = Storage(dtype.itemsize, dtype, data[first:last])
        found[name] = Array(storage, shape, contiguous(shape), dtype=dtype, budget=budget)
        found[name].check()
        if found[name].numel * dtype.itemsize != last - first:
            raise CheckpointError("is damaged: a tensor whose shape does not fit its bytes")
    return found


def _folder(path: Path, classes: Iterable[str]) -> Foreign:
    """A folder as Hugging Face writes them: the constructor's arguments and the weights."""
    config, weights = path / "config.json", path / "model.safetensors"
    if not (config.is_file() and weights.is_file()):
        raise CheckpointError(f"{path}: a folder without config.json and model.safetensors, so not a checkpoint")
    with telling(config, "a JSON file that"):
        if config.stat().st_size > LARGEST_CONFIG:
            raise CheckpointError("is too large")
        arguments = json.loads(config.read_bytes())
        if not isinstance(arguments, dict):
            raise CheckpointError("is not a JSON object")
    found = read(weights)
    contents = {"config": arguments, "model": found.contents}
    return Foreign(path, found.size, "a folder with config.json", contents)


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 1 << 48:
        raise CheckpointError("is damaged: an impossible count")
    return value
