"""Zip archives of images, read in place."""

import os
import zipfile
import zlib
from array import array
from collections.abc import Callable, Sequence
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
            return layout(self._members.names, self._index, self.format)
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
        about = self._members[name]
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
    def _zip(self) -> zipfile.ZipFile:
        try:
            return zipfile.ZipFile(self.path)
        except DAMAGED as cause:
            raise DataError(f"{self.path}: not a zip archive, or damaged ({cause})") from cause

    @cached_property
    def _members(self) -> "Members":
        archive = self._zip
        try:
            members = Members(archive.filelist, self._name)
        except OverflowError as cause:
            raise DataError(f"{self.path}: not a zip archive, or damaged (places that no file has)") from cause
        archive.filelist, archive.NameToInfo = [], {}
        return members

    def _name(self, about: zipfile.ZipInfo) -> str:
        """With slashes, where a program on Windows has written backslashes."""
        return about.filename.replace("\\", "/") if self.format > 1 else about.filename

    def _index(self, name: str) -> bytes:
        try:
            return self.read(name)
        except DAMAGED as cause:
            raise DataError(f"{name} cannot be read: {cause}") from cause


class Members:
    """What an archive says of its members, in columns: an object of zipfile takes half a kilobyte.

    names: of all members, in their order. Of members of one name the last one counts.
    """

    FIELDS = ("header_offset", "compress_size", "file_size", "CRC", "compress_type", "flag_bits")

    def __init__(self, listed: Sequence[zipfile.ZipInfo], name_of: Callable[[zipfile.ZipInfo], str]) -> None:
        self.names = [name_of(about) for about in listed]
        self._rows = {name: row for row, name in enumerate(self.names)}
        self._written = {
            row: about.orig_filename for row, about in enumerate(listed) if about.orig_filename != self.names[row]
        }
        self._ends = (
            self._column(listed, "_end_offset") if hasattr(listed[0] if listed else None, "_end_offset") else None
        )
        self._columns = [self._column(listed, field) for field in self.FIELDS]

    def __getitem__(self, name: str) -> zipfile.ZipInfo:
        """Raises KeyError."""
        row = self._rows[name]
        about = zipfile.ZipInfo(self._written.get(row, name))
        for field, column in zip(self.FIELDS, self._columns, strict=True):
            setattr(about, field, column[row])
        if self._ends is not None:  # newer versions of Python compare it, to refuse members that overlap
            about._end_offset = self._ends[row]  # type: ignore[attr-defined]
        return about

    @staticmethod
    def _column(listed: Sequence[zipfile.ZipInfo], field: str) -> "array[int]":
        return array("q", [getattr(about, field) for about in listed])
