"""TFRecords of StyleGAN: one image a record, raw bytes [C, H, W] in a tf.train.Example, labels in a file beside them.

Sources: github.com/NVlabs/stylegan2, training/dataset.py (features `shape` and `data`; NAME-rXX.tfrecords for each
resolution, NAME.labels or NAME-rxx.labels); tensorflow.org/tutorials/load_data/tfrecord (framing: length, its masked
CRC-32C, data, their masked CRC-32C); protobuf.dev/programming-guides/encoding.
"""

import importlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from gancore.contracts import Dataset, Item, Place, PluginConfig
from gancore.data.index import numbered
from gancore.data.lazy import Lazy
from gancore.data.paths import LARGEST, located
from gancore.errors import DataError

ENDING = ".tfrecords"


class TFRecord(Dataset):
    """Plugin `tfrecord`: the images of one file, in its order."""

    class Config(PluginConfig):
        path: Place[str] = Field(description="a file .tfrecords, or a folder, of which the finest is taken")

    def __init__(self, cfg: Config, base: Path) -> None:
        super().__init__(cfg, base)
        self.path = located(base, cfg.path)
        if not self.path.exists():
            raise DataError(f"{self.path}: no such file or folder")
        if (file := _finest(self.path)) is None:
            raise DataError(f"{self.path}: no {ENDING} files in this folder")
        self.file = file
        self.label_file = next(iter(sorted(file.parent.glob("*.labels"))), None)

    @cached_property
    def offsets(self) -> np.ndarray:
        """int64 [M + 1]: where each record begins, and the end."""
        return np.array(list(_offsets(self.file)), np.int64)

    @cached_property
    def labels(self) -> np.ndarray | None:
        """int64 [M] where all rows are classes, float32 [M, K] where they are not; None without the file."""
        if self.label_file is None:
            return None
        try:
            rows = np.load(self.label_file, allow_pickle=False)
        except (OSError, ValueError, EOFError) as cause:
            raise DataError(f"{self.label_file}: not labels as numpy writes them ({cause})") from cause
        if rows.ndim != 2 or rows.dtype.kind not in "fiu" or len(rows) < len(self.offsets) - 1:
            raise DataError(f"{self.label_file}: {list(rows.shape)} is not one row for each of the images")
        classes = ((rows == 0) | (rows == 1)).all() and (rows.sum(1) == 1).all()
        return rows.argmax(1) if classes else rows.astype(np.float32)

    def items(self) -> Sequence[Item]:
        count = len(self.offsets) - 1
        if not count:
            raise DataError(f"{self.file}: no records")
        try:
            self._read(0)
        except ValueError as cause:
            raise DataError(f"{self.file}: {cause}") from cause
        return Lazy(count, self._item)

    def _item(self, index: int) -> Item:
        label = None if self.labels is None else self.labels[index]
        known = int(label) if isinstance(label, np.integer) else label
        return Item(f"{self.file.name}[{index}]", partial(self._read, index), known)

    def _read(self, index: int) -> np.ndarray:
        """uint8 [H, W, C]. Raises ValueError where the record is not that of an image."""
        with self.file.open("rb") as file:
            file.seek(int(self.offsets[index]))
            record = file.read(int(self.offsets[index + 1] - self.offsets[index]))
        data, checksum = record[12:-4], int.from_bytes(record[-4:], "little")
        if _masked_crc(data) != checksum:
            raise ValueError(f"record {index} is damaged: its checksum does not fit")
        features = features_of(data)
        shape, pixels = features.get("shape"), features.get("data")
        if not isinstance(shape, list) or len(shape) != 3 or not isinstance(pixels, bytes):
            raise ValueError(f"its records have the features {', '.join(sorted(features))}, not `shape` and `data`")
        if min(shape) < 1 or len(pixels) != shape[0] * shape[1] * shape[2]:
            raise ValueError(f"record {index} has {len(pixels)} bytes, which are not {shape}")
        return np.ascontiguousarray(np.frombuffer(pixels, np.uint8).reshape(shape).transpose(1, 2, 0))

    def class_names(self) -> Sequence[str] | None:
        labels = self.labels
        return None if labels is None or labels.ndim == 2 else numbered(labels.tolist())

    def sources(self) -> Sequence[Path]:
        return [self.file] if self.label_file is None else [self.file, self.label_file]

    @classmethod
    def options_for(cls, path: Path) -> Mapping[str, Any] | None:
        found = path.suffix == ENDING if path.is_file() else path.is_dir() and _finest(path) is not None
        return {"path": str(path.resolve())} if found else None


def _finest(path: Path) -> Path | None:
    """The file of the largest images: the last of NAME-r02, ..., NAME-r10."""
    return path if path.is_file() else max(path.glob(f"*{ENDING}"), default=None)


def _offsets(path: Path) -> Iterator[int]:
    """Where the records of a file begin, and its end. Raises DataError where it is not such a file, or truncated."""
    place, size = 0, path.stat().st_size
    with path.open("rb") as file:
        while place < size:
            yield place
            file.seek(place)
            head = file.read(12)
            length = int.from_bytes(head[:8], "little")
            if len(head) < 12 or _masked_crc(head[:8]) != int.from_bytes(head[8:], "little") or length > LARGEST:
                raise DataError(f"{path}: not a TFRecord file, or damaged at byte {place}")
            place += 12 + length + 4
            if place > size:
                raise DataError(f"{path}: truncated: its last record is not whole")
    yield place


def _masked_crc(data: bytes) -> int:
    crc = _library().crc32c(data)
    return int(((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def features_of(example: bytes) -> dict[str, bytes | list[int] | None]:
    """The features of a tf.train.Example: the first text of bytes, or whole numbers; None for other kinds.

    Raises ValueError where it is none.
    """
    found: dict[str, bytes | list[int] | None] = {}
    for _, features in _fields(example):
        for _, entry in _fields(features):
            parts = dict(_fields(entry))
            kind, values = next(_fields(parts.get(2, b"")), (0, b""))
            name = _bytes(parts.get(1, b"")).decode("utf-8", "backslashreplace")
            found[name] = next((_bytes(v) for _, v in _fields(values)), b"") if kind == 1 else None
            if kind == 3:
                found[name] = [n for _, v in _fields(values) for n in ([v] if isinstance(v, int) else _varints(v))]
    return found


def _fields(message: bytes | int) -> Iterator[tuple[int, bytes | int]]:
    """Numbers and values of the fields of a protobuf message: whole numbers, or bytes."""
    data, place = _bytes(message), 0
    while place < len(data):
        key, place = _varint(data, place)
        if key & 7 == 0:
            value, place = _varint(data, place)
            yield key >> 3, value
            continue
        if key & 7 == 2:
            length, place = _varint(data, place)
        elif key & 7 in (1, 5):
            length = 8 if key & 7 == 1 else 4
        else:
            raise ValueError("its records are no tf.train.Example")
        if place + length > len(data):
            raise ValueError("its records are no tf.train.Example")
        yield key >> 3, data[place : place + length]
        place += length


def _bytes(value: bytes | int) -> bytes:
    if isinstance(value, int):
        raise ValueError("its records are no tf.train.Example")
    return value


def _varints(data: bytes) -> Iterator[int]:
    place = 0
    while place < len(data):
        value, place = _varint(data, place)
        yield value


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """A number of 7 bits a byte, the lowest first, and the place behind it."""
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(data):
            break
        byte, place = data[place], place + 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
    raise ValueError("its records are no tf.train.Example")


def _library() -> Any:
    try:
        return importlib.import_module("crc32c")
    except ImportError as cause:
        raise DataError(f"dataset tfrecord needs crc32c ({cause}); `pip install gancore[tfrecord]`") from cause
