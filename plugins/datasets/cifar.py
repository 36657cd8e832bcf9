"""CIFAR-10 and CIFAR-100 as they are published: archives of pickles (the "python version") or of bytes ("binary").

Source: cs.toronto.edu/~kriz/cifar.html: rows of 3072 bytes, red, green and blue planes of 32x32; pickles hold them as
`data` [N, 3072] with a list of labels; binary files have a byte of label (two for CIFAR-100, coarse and fine) before
each row. Pickles are read by gancore.interop, which executes nothing.
"""

import gzip
import tarfile
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Literal, cast

import numpy as np
from pydantic import Field

from gancore.contracts import Dataset, Item, Place, PluginConfig
from gancore.data.lazy import Lazy
from gancore.data.paths import located, read_regular, reason
from gancore.errors import CheckpointError, DataError
from gancore.interop.reading import read_pickle
from gancore.interop.values import Array

SIDE = 32
PIXELS = 3 * SIDE * SIDE
AT_ONCE = 2**20
"""Bytes that are read from an archive at a time; its own headers are shorter."""
LARGEST_ARCHIVE = 256 * 2**20
"""Bytes of an archive that is not compressed any more; those of CIFAR have 187 million."""

Rows = tuple[np.ndarray, np.ndarray]
"""uint8 [N, 3072] and labels [N]."""


@dataclass(frozen=True)
class Version:
    """One of the four published versions: its folder, its files, and how each is read.

    names: the file with the names of the classes, by the option `label`.
    """

    folder: str
    splits: Mapping[str, Sequence[str]]
    names: Mapping[str, str]
    rows: Callable[[bytes, str, str], Rows]
    classes: Callable[[bytes, str, str], Sequence[str]]

    def files(self, split: str, label: str) -> list[str]:
        return [*self.splits[split], self.names[label]]


class CIFAR(Dataset):
    """Plugin `cifar`: the images in the order of the files' numbers, and of each file."""

    class Config(PluginConfig):
        path: Place[str] = Field(description="the archive as it was published (.tar.gz), or the folder that was in it")
        split: Literal["train", "test"] = Field("train", description="which images")
        label: Literal["fine", "coarse"] = Field("fine", description="of CIFAR-100: its 100 classes, or its 20")

    def __init__(self, cfg: Config, base: Path) -> None:
        super().__init__(cfg, base)
        self.path = located(base, cfg.path)
        if not self.path.is_file() and not self.path.is_dir():  # a pipe would be waited for
            raise DataError(f"{self.path}: no such file or folder")

    @cached_property
    def parts(self) -> Mapping[str, Rows]:
        """Images and labels of each file. Raises DataError for one that is damaged."""
        version, files = self._found
        label, count = self._label(version), len(self.classes)
        parts = {
            name: version.rows(files[name], f"{self.path}: {name}", label) for name in version.splits[self.cfg.split]
        }
        for name, (_, labels) in parts.items():
            if labels.max(initial=0) >= count:
                raise DataError(f"{self.path}: {name}: a label {labels.max()}, and there are {count} classes")
        files.clear()  # the arrays have their own bytes
        return parts

    @cached_property
    def classes(self) -> Sequence[str]:
        version, files = self._found
        name = version.names[self._label(version)]
        return version.classes(files[name], f"{self.path}: {name}", self.cfg.label)

    @cached_property
    def _found(self) -> tuple[Version, dict[str, bytes]]:
        """The version, and the contents of the files by their names."""
        if self.path.is_dir():
            if (there := _folder(self.path)) is None:
                raise DataError(f"{self.path}: no version of CIFAR is in this folder")
            version, files = there[0], _files_of(there[1], there[0].files(self.cfg.split, self._label(there[0])))
        else:
            version, files = _unpacked(self.path, self.cfg.split)
        if missing := [name for name in version.files(self.cfg.split, self._label(version)) if name not in files]:
            raise DataError(f"{self.path}: {version.folder} lacks {', '.join(missing)}")
        return version, files

    def _label(self, version: Version) -> str:
        if self.cfg.label not in version.names:
            raise DataError(f"{self.path}: `label: {self.cfg.label}` is for CIFAR-100, and this is {version.folder}")
        return self.cfg.label

    def items(self) -> Sequence[Item]:
        return Lazy(sum(len(labels) for _, labels in self.parts.values()), self._item)

    def _item(self, index: int) -> Item:
        for name, (pixels, labels) in self.parts.items():
            if index < len(labels):
                return Item(f"{name}[{index:05}]", partial(_picture, pixels, index), int(labels[index]))
            index -= len(labels)
        raise IndexError(index)

    def class_names(self) -> Sequence[str]:
        return self.classes

    def sources(self) -> Sequence[Path]:
        if self.path.is_file():
            return [self.path]
        there = _folder(self.path)
        return [there[1] / name for name in there[0].files(self.cfg.split, self._label(there[0]))] if there else []

    @classmethod
    def options_for(cls, path: Path) -> Mapping[str, Any] | None:
        found = _folder(path) is not None if path.is_dir() else _begins_like_one(path)
        return {"path": str(path.resolve())} if found else None


def _picture(pixels: np.ndarray, index: int) -> np.ndarray:
    """uint8 [32, 32, 3]."""
    return pixels[index].reshape(3, SIDE, SIDE).transpose(1, 2, 0)


# what the files hold


def _pickled_rows(content: bytes, where: str, label: str) -> Rows:
    held = _mapping(content, where)
    data, labels = held.get("data"), held.get("labels", held.get(f"{label}_labels"))
    if not isinstance(data, Array) or str(data.dtype) != "torch.uint8" or data.shape[1:] != (PIXELS,):
        raise DataError(f"{where}: its `data` are not rows of {PIXELS} bytes")
    if not isinstance(labels, list) or len(labels) != data.shape[0] or not all(map(_is_small, labels)):
        raise DataError(f"{where}: its labels are not one small whole number for each of {data.shape[0]} images")
    try:
        return data.tensor().numpy(), np.array(labels, np.int64)
    except CheckpointError as cause:
        raise DataError(f"{where}: {cause}") from cause


def _pickled_classes(content: bytes, where: str, label: str) -> Sequence[str]:
    held = _mapping(content, where)
    return _classes(held.get("label_names", held.get(f"{label}_label_names")), where)


def _mapping(content: bytes, where: str) -> dict[Any, Any]:
    try:
        held = read_pickle(content, where)
    except CheckpointError as cause:
        raise DataError(str(cause)) from cause
    if not isinstance(held, dict):
        raise DataError(f"{where}: not a dict, as the files of CIFAR are")
    return held


def _is_small(label: Any) -> bool:
    return type(label) is int and 0 <= label < 256


def _binary_rows(content: bytes, where: str, label: str, before: Sequence[str] = ("fine",)) -> Rows:
    """before: what the bytes before each row mean."""
    width = len(before) + PIXELS
    if len(content) % width:
        raise DataError(f"{where}: {len(content)} bytes are not rows of {width}; is it truncated?")
    rows = np.frombuffer(content, np.uint8).reshape(-1, width)
    return rows[:, len(before) :], rows[:, before.index(label)].astype(np.int64)


def _written_classes(content: bytes, where: str, label: str) -> Sequence[str]:
    return _classes(content.decode("utf-8", "replace").split(), where)


def _classes(names: Any, where: str) -> Sequence[str]:
    if not isinstance(names, list) or not 1 <= len(names) <= 256 or not all(isinstance(name, str) for name in names):
        raise DataError(f"{where}: no names of classes")
    return names


TEN = [f"data_batch_{number}" for number in range(1, 6)]
VERSIONS = (
    Version(
        "cifar-10-batches-py",
        {"train": TEN, "test": ["test_batch"]},
        {"fine": "batches.meta"},
        _pickled_rows,
        _pickled_classes,
    ),
    Version(
        "cifar-100-python",
        {"train": ["train"], "test": ["test"]},
        {"fine": "meta", "coarse": "meta"},
        _pickled_rows,
        _pickled_classes,
    ),
    Version(
        "cifar-10-batches-bin",
        {"train": [f"{name}.bin" for name in TEN], "test": ["test_batch.bin"]},
        {"fine": "batches.meta.txt"},
        _binary_rows,
        _written_classes,
    ),
    Version(
        "cifar-100-binary",
        {"train": ["train.bin"], "test": ["test.bin"]},
        {"fine": "fine_label_names.txt", "coarse": "coarse_label_names.txt"},
        partial(_binary_rows, before=("coarse", "fine")),
        _written_classes,
    ),
)


# where the files lie


def _folder(path: Path) -> tuple[Version, Path] | None:
    """The version in a folder, or in one of the published name within it."""
    for version in VERSIONS:
        for folder in (path, path / version.folder):
            if all((folder / name).is_file() for name in version.names.values()) and any(
                (folder / files[0]).is_file() for files in version.splits.values()
            ):
                return version, folder
    return None


def _files_of(folder: Path, names: Iterable[str]) -> dict[str, bytes]:
    try:
        return {name: read_regular(folder / name) for name in dict.fromkeys(names) if (folder / name).exists()}
    except OSError as cause:
        raise DataError(f"{folder}: cannot be read: {reason(cause)}") from cause


def _unpacked(path: Path, split: str) -> tuple[Version, dict[str, bytes]]:
    """The version in an archive, and those of its files that a split needs. Raises DataError."""
    found: dict[str, bytes] = {}
    version: Version | None = None
    try:
        with gzip.open(path) as file, tarfile.open(fileobj=cast(BinaryIO, _bounded(file)), mode="r:") as archive:
            for about in archive:
                archive.members = []  # type: ignore[attr-defined]
                inside = PurePosixPath(about.name)
                version = version or _named(inside)
                if version is None or not about.isreg() or str(inside.parent) != version.folder:
                    continue
                if inside.name in version.splits[split] or inside.name in version.names.values():
                    found[inside.name] = _content(cast(BinaryIO, archive.extractfile(about)))
            while file.read(AT_ONCE):  # to the end, for the checksum is there
                pass
    except (tarfile.TarError, zlib.error, EOFError, OSError, ValueError) as cause:
        raise DataError(f"{path}: not an archive of CIFAR (.tar.gz), or damaged ({reason(cause)})") from cause
    if version is None:
        folders = ", ".join(version.folder for version in VERSIONS)
        raise DataError(f"{path}: none of {folders} is in this archive")
    return version, found


def _content(file: BinaryIO) -> bytes:
    return b"".join(iter(partial(file.read, AT_ONCE), b""))


def _named(inside: PurePosixPath) -> Version | None:
    return next((version for version in VERSIONS if inside.parts[:1] == (version.folder,)), None)


def _begins_like_one(path: Path) -> bool:
    """Whether the first name in an archive is one of a version."""
    if not path.is_file():
        return False
    try:
        with gzip.open(path) as file:
            return _named(PurePosixPath(tarfile.TarInfo.frombuf(file.read(512), "utf-8", "replace").name)) is not None
    except (tarfile.TarError, zlib.error, EOFError, OSError):
        return False


class _bounded:
    """A file of which no piece and no place beyond a bound is read: a few bytes can be compressed gigabytes."""

    def __init__(self, file: gzip.GzipFile) -> None:
        self._file = file
        self.tell = file.tell

    def read(self, size: int) -> bytes:
        if size > AT_ONCE or self._file.tell() > LARGEST_ARCHIVE:
            raise tarfile.ReadError(f"a header of {size} bytes, or more than {LARGEST_ARCHIVE // 2**20} MiB")
        return self._file.read(size)

    def seek(self, place: int) -> int:
        if place > LARGEST_ARCHIVE:
            raise tarfile.ReadError(f"more than {LARGEST_ARCHIVE // 2**20} MiB")
        return self._file.seek(place)
