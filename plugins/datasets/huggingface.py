"""Datasets of Hugging Face's `datasets` as `save_to_disk` leaves them: Arrow files with a column of image files.

Sources: huggingface.co/docs/datasets, `Dataset.save_to_disk` (state.json lists the files, dataset_info.json has the
features, dataset_dict.json the splits) and `Image` (a struct of bytes and path); arrow.apache.org/docs/format,
"IPC Streaming Format". pyarrow says once where each image lies; images are then read from there.
"""

import importlib
import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from gancore.contracts import Dataset, Item, Place, PluginConfig
from gancore.data.index import numbered
from gancore.data.lazy import Lazy
from gancore.data.paths import LARGEST, located, open_regular, reason
from gancore.errors import DataError, did_you_mean
from gancore.names import shown, some

STATE, INFO, SPLITS = "state.json", "dataset_info.json", "dataset_dict.json"
LARGEST_JSON = 16 * 2**20
END = b"\xff\xff\xff\xff\0\0\0\0"
"""The last bytes of a stream of Arrow messages."""


@dataclass(frozen=True)
class Shard:
    """Where the images of one file lie: first byte and size of each, int64 [N]; size -1: none. Labels: int64 [N]."""

    path: Path
    starts: np.ndarray
    sizes: np.ndarray
    labels: np.ndarray | None

    def read(self, index: int) -> bytes:
        size = int(self.sizes[index])
        if not 0 <= size <= LARGEST:
            raise OSError("not in the data set, which has its path only" if size < 0 else f"it has {size} bytes")
        with self.path.open("rb") as file:
            file.seek(int(self.starts[index]))
            return file.read(size)


class HuggingFace(Dataset):
    """Plugin `huggingface`: the images of a column, in the order of the files and of each file's rows."""

    class Config(PluginConfig):
        path: Place[str] = Field(description="the folder that `save_to_disk` wrote")
        split: str | None = Field(None, description="of several; null: the only one, or `train`")
        image: str | None = Field(None, description="the column of images; null: the only one")
        label: str | None = Field(None, description="the column of classes; null: the only one, if there is one")

    def __init__(self, cfg: Config, base: Path) -> None:
        super().__init__(cfg, base)
        self.path = located(base, cfg.path)
        self.folder = self._folder()
        self.features = _mapping(_json(self.folder / INFO).get("features"), self.folder / INFO, "features")
        self.files = _data_files(self.folder)

    def _folder(self) -> Path:
        """That of the split. Raises DataError."""
        if (self.path / STATE).is_file():
            if self.cfg.split is not None:
                raise DataError(
                    f"{self.path}: `split: {shown(self.cfg.split)}`, and there is one data set without splits here"
                )
            return self.path
        if not (self.path / SPLITS).is_file():
            raise DataError(f"{self.path}: no data set that `save_to_disk` wrote ({STATE} or {SPLITS}) is here")
        about = self.path / SPLITS
        splits = _inside(_names(_json(about).get("splits"), about, "splits"), about)
        if self.cfg.split is None and len(splits) > 1 and "train" not in splits:
            raise DataError(f"{self.path}: `split` must name one of {some(splits)}")
        split = self.cfg.split or ("train" if "train" in splits else splits[0])
        if split not in splits:
            raise DataError(f"{self.path}: no split {split!r}; {did_you_mean(split, splits)}")
        return self.path / split

    @cached_property
    def image(self) -> str:
        """The column of images."""
        columns = _of_type(self.features, "Image")
        if self.cfg.image is None and len(columns) == 1:
            return columns[0]
        if self.cfg.image in columns:
            return self.cfg.image
        told = some(columns) if columns else f"none; its columns are {some(list(self.features))}"
        raise DataError(f"{self.folder}: `image` must name a column of images: {told}")

    @cached_property
    def label(self) -> str | None:
        """The column of classes; None without one."""
        columns = _of_type(self.features, "ClassLabel")
        if self.cfg.label is None:
            return columns[0] if len(columns) == 1 else None
        if self.cfg.label not in self.features:
            raise DataError(
                f"{self.folder}: no column {self.cfg.label!r}; {did_you_mean(self.cfg.label, self.features)}"
            )
        return self.cfg.label

    @cached_property
    def shards(self) -> list[Shard]:
        return [_shard(path, self.image, self.label) for path in self.files]

    def items(self) -> Sequence[Item]:
        return Lazy(sum(len(shard.sizes) for shard in self.shards), self._item)

    def _item(self, index: int) -> Item:
        for shard in self.shards:
            if index < len(shard.sizes):
                label = -1 if shard.labels is None else int(shard.labels[index])
                return Item(f"{shard.path.name}[{index}]", partial(shard.read, index), None if label < 0 else label)
            index -= len(shard.sizes)
        raise IndexError(index)

    def class_names(self) -> Sequence[str] | None:
        if self.label is None:
            columns = _of_type(self.features, "ClassLabel")
            if len(columns) > 1:
                raise DataError(f"{self.folder}: `label` must name one of {some(columns)}")
            return None
        about = self.features[self.label]
        if isinstance(about, dict) and (names := about.get("names")) is not None:
            return _names(names, self.folder / INFO, "names")
        return numbered(int(shard.labels.max(initial=0)) for shard in self.shards if shard.labels is not None)

    def sources(self) -> Sequence[Path]:
        return [self.folder / INFO, self.folder / STATE, *self.files]

    @classmethod
    def options_for(cls, path: Path) -> Mapping[str, Any] | None:
        one = (path / STATE).is_file() and (path / INFO).is_file()
        return {"path": str(path.resolve())} if one or (path / SPLITS).is_file() else None


# the files around the data


def _json(path: Path) -> dict[str, Any]:
    try:
        with open_regular(path) as file:
            content = file.read(LARGEST_JSON + 1)
        if len(content) > LARGEST_JSON:
            raise ValueError(f"larger than {LARGEST_JSON // 2**20} MiB")
        return _mapping(json.loads(content), path, "its content")
    except (OSError, ValueError, RecursionError) as cause:
        raise DataError(f"{path}: not what `save_to_disk` writes ({reason(cause)})") from cause


def _mapping(value: Any, path: Path, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise DataError(f"{path}: not what `save_to_disk` writes ({what} should be a mapping)")
    return value


def _names(value: Any, path: Path, what: str) -> list[str]:
    if not isinstance(value, list) or not value or not all(isinstance(name, str) for name in value):
        raise DataError(f"{path}: not what `save_to_disk` writes ({what} should be a list of names)")
    return value


def _inside(names: list[str], path: Path) -> list[str]:
    if outside := [name for name in names if Path(name).name != name or not name.isprintable()]:
        raise DataError(f"{path}: no names of what is in this folder: {some(outside)}")
    return names


def _of_type(features: Mapping[str, Any], kind: str) -> list[str]:
    return [name for name, about in features.items() if isinstance(about, dict) and about.get("_type") == kind]


def _data_files(folder: Path) -> list[Path]:
    state = _json(folder / STATE)
    if state.get("_indices_data_files") or state.get("_indices_files"):
        raise DataError(f"{folder}: a choice of rows; `flatten_indices().save_to_disk(...)` writes these alone")
    listed = state.get("_data_files")
    files = (
        [about.get("filename") if isinstance(about, dict) else None for about in listed]
        if isinstance(listed, list)
        else []
    )
    names = _inside(_names(files, folder / STATE, "_data_files"), folder / STATE)
    if missing := [name for name in names if not (folder / name).is_file()]:
        raise DataError(f"{folder}: {some(missing)} of {STATE} are not here")
    return [folder / name for name in names]


# the data


def _shard(path: Path, image: str, label: str | None) -> Shard:
    """Where the images of a file lie. Raises DataError where it is damaged or foreign."""
    pa = _library()
    try:
        with pa.memory_map(str(path)) as file:
            return _scanned(pa, path, file.read_buffer(), image, label)
    except (pa.ArrowException, OSError, ValueError, struct.error) as cause:
        raise DataError(f"{path}: not an Arrow file of images, or damaged ({_first_line(cause)})") from cause


def _scanned(pa: Any, path: Path, whole: Any, image: str, label: str | None) -> Shard:
    if whole.slice(max(len(whole) - len(END), 0)).to_pybytes() != END:
        raise ValueError("truncated: its end is missing")
    places: list[np.ndarray] = [np.empty((2, 0), np.int64)]
    labels: list[np.ndarray] = [np.empty(0, np.int64)]
    for batch in _batches(pa, whole):
        images = _column(batch, image)
        places.append(_places(pa, images, whole))
        if label is not None:
            labels.append(_labels(pa, _column(batch, label)))
    starts, sizes = np.concatenate(places, axis=1)
    return Shard(path, starts, sizes, None if label is None else np.concatenate(labels))


def _batches(pa: Any, whole: Any) -> Iterator[Any]:
    """The record batches, which stay where they are in the file."""
    messages = iter(pa.ipc.MessageReader.open_stream(pa.BufferReader(whole)))
    first = next(messages, None)
    if first is None:
        raise ValueError("without a schema")
    schema = pa.ipc.read_schema(first)
    for message in messages:
        if message.type != "record batch" or _is_compressed(message.metadata.to_pybytes()):
            raise ValueError(f"a compressed or unknown part ({message.type}), which `save_to_disk` does not write")
        yield pa.ipc.read_record_batch(message, schema)


def _is_compressed(message: bytes) -> bool:
    """Whether a Message's RecordBatch is compressed (format/Message.fbs): a few bytes could be gigabytes."""
    root = struct.unpack_from("<I", message)[0]
    header = _field(message, root, 2)
    batch = header + struct.unpack_from("<I", message, header)[0]
    return _field(message, batch, 3) != batch


def _field(message: bytes, table: int, number: int) -> int:
    """The place of a field of a flatbuffer's table; that of the table if the field is not there."""
    slots = table - struct.unpack_from("<i", message, table)[0]
    size = struct.unpack_from("<H", message, slots)[0]
    return table + (struct.unpack_from("<H", message, slots + 4 + 2 * number)[0] if 4 + 2 * number < size else 0)


def _column(batch: Any, name: str) -> Any:
    """A column, all of whose offsets and texts were checked."""
    index = batch.schema.get_field_index(name)
    if index < 0:
        raise ValueError(f"no column {name!r}")
    column = batch.column(index)
    column.validate(full=True)
    return column


def _places(pa: Any, column: Any, whole: Any) -> np.ndarray:
    """First bytes in the file and sizes, int64 [2, N], of the `bytes` in a column of images; size -1: none."""
    if not pa.types.is_struct(column.type) or column.type.get_field_index("bytes") < 0:
        raise ValueError(f"its images are {column.type}, not `bytes` and `path`")
    content = column.field("bytes")
    if not (pa.types.is_binary(content.type) or pa.types.is_large_binary(content.type)):
        raise ValueError(f"its `bytes` are {content.type}")
    _, offsets, data = content.buffers()
    if not len(content) or data is None:
        return np.repeat(np.array([[0], [-1]]), len(content), axis=1)
    ends = np.frombuffer(offsets, np.int32 if pa.types.is_binary(content.type) else np.int64)[: len(content) + 1]
    here = content.is_valid().to_numpy(zero_copy_only=False) & column.is_valid().to_numpy(zero_copy_only=False)
    starts = data.address - whole.address + ends[:-1].astype(np.int64)
    return np.stack([starts, np.where(here, np.diff(ends), -1)])


def _labels(pa: Any, column: Any) -> np.ndarray:
    """int64 [N]; -1 where there is none."""
    if not pa.types.is_integer(column.type):
        raise ValueError(f"its labels are {column.type}, not whole numbers")
    labels: np.ndarray = column.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False)
    return labels


def _first_line(cause: Exception) -> str:
    return shown((str(cause).splitlines() or [type(cause).__name__])[0])


def _library() -> Any:
    try:
        return importlib.import_module("pyarrow")
    except ImportError as cause:
        raise DataError(f"dataset huggingface needs pyarrow ({cause}); `pip install gancore[datasets]`") from cause
