"""Zip archives of images, read in place."""

import os
import zipfile
import zlib
from array import array
from collections.abc import Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import BinaryIO, cast

from gancore.contracts import Item
from gancore.data.layout import Layout, layout, nothing_here
from gancore.data.lazy import Lazy
from gancore.data.paths import LARGEST
from gancore.errors import DataError

DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, OSError, NotImplementedError)
"""What reading a zip archive may raise; RuntimeError where it is encrypted."""


class Archive:
    """An archive with its names and labels, opened on first use.

    format: `data.format`. Raises DataError when the file is missing; later, when it is not a zip archive.
    """

    def __init__(self, path: Path, format: int = 2) -> None:
        if not path.is_file():
            raise DataError(f"{path}: no such file")
        self.path, self.format = path, format

    @cached_property
    def layout(self) -> Layout:
        try:
            return layout(self._names, self._index, self.format)
        except DataError as error:
            raise DataError(f"{self.path}: {error}") from error

    def class_names(self) -> Sequence[str] | None:
        """The names of the classes, None without labels. Raises DataError where the labels cannot be used."""
        try:
            return self.layout.class_names()
        except DataError as error:
            raise DataError(f"{self.path}: {error}") from error

    def read(self, name: str) -> bytes:
        """The content of a file; its checksum is verified."""
        with self.open(name) as file:
            return file.read()

    def open(self, name: str) -> BinaryIO:
        """A file, opened."""
        about = self._zip.members.about(self._rows[name])
        if about.file_size > LARGEST:
            raise zipfile.BadZipFile(f"larger than {LARGEST // 2**20} MiB")
        return cast(BinaryIO, self._zip.open(about))

    def check_in_place(self) -> None:
        """Raises DataError when the path no longer names the file that is open."""
        file = self._zip.fp
        there = self.path.stat()
        if file is not None and not os.path.samestat(os.fstat(file.fileno()), there):
            raise DataError(f"{self.path}: was replaced while it was read; run the command again")

    def items(self) -> Sequence[Item]:
        if not self.layout.names:
            raise DataError(f"{self.path}: {nothing_here(self.layout)}")
        return Lazy(len(self.layout.names), self._item)

    def _item(self, index: int) -> Item:
        name, label = self.layout.names[index], self.layout.labels[index]
        return Item(name, partial(self.read, name), label, partial(self.open, name))

    @cached_property
    def _zip(self) -> "Opened":
        try:
            return Opened(self.path)
        except (*DAMAGED, OverflowError) as cause:
            raise DataError(f"{self.path}: not a zip archive, or damaged ({cause})") from cause

    @cached_property
    def _names(self) -> list[str]:
        """Of all members, in their order."""
        return [self._name(name) for name in self._zip.members.names]

    @cached_property
    def _rows(self) -> dict[str, int]:
        """Of members of one name the last one counts."""
        return {name: row for row, name in enumerate(self._names)}

    def _name(self, written: str) -> str:
        """With slashes, where a program on Windows has written backslashes."""
        return written.replace("\\", "/") if self.format > 1 else written

    def _index(self, name: str) -> bytes:
        try:
            return self.read(name)
        except DAMAGED as cause:
            raise DataError(f"{name} cannot be read: {cause}") from cause


class Members(list[zipfile.ZipInfo]):
    """The list that zipfile appends members to: it keeps columns, for an object of zipfile takes half a kilobyte."""

    FIELDS = ("header_offset", "compress_size", "file_size", "CRC", "compress_type", "flag_bits")

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self._written: dict[int, str] = {}
        self._columns = [array("q") for _ in self.FIELDS]

    def append(self, about: zipfile.ZipInfo) -> None:
        if about.orig_filename != about.filename:
            self._written[len(self.names)] = about.orig_filename
        self.names.append(about.filename)
        for field, column in zip(self.FIELDS, self._columns, strict=True):
            column.append(getattr(about, field))

    def about(self, row: int) -> zipfile.ZipInfo:
        """The member of a row, as zipfile described it."""
        about = zipfile.ZipInfo(self._written.get(row, self.names[row]))
        for field, column in zip(self.FIELDS, self._columns, strict=True):
            setattr(about, field, column[row])
        return about


class Opened(zipfile.ZipFile):
    """An archive that is read, which keeps its `members` only."""

    def __init__(self, path: Path) -> None:
        self.members = Members()
        super().__init__(path)

    @property
    def filelist(self) -> list[zipfile.ZipInfo]:
        return self.members

    @filelist.setter
    def filelist(self, _: list[zipfile.ZipInfo]) -> None: ...

    @property
    def NameToInfo(self) -> dict[str, zipfile.ZipInfo]:
        """One that is thrown away."""
        return {}

    @NameToInfo.setter
    def NameToInfo(self, _: dict[str, zipfile.ZipInfo]) -> None: ...
