"""Zip archives of images, read in place."""

import zipfile
import zlib
from functools import partial
from pathlib import Path

from gancore.contracts import Item
from gancore.data.layout import INDEX, Layout, layout
from gancore.errors import DataError

LARGEST = 512 * 2**20
"""Bytes of one image file; a larger one is taken for a decompression bomb."""


class Archive:
    """An open archive with its names and labels. Raises DataError when it is missing or is no zip."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise DataError(f"{path}: no such file")
        self.path = path
        try:
            self._zip = zipfile.ZipFile(path)
            index = self.read(INDEX) if INDEX in self._zip.namelist() else None
        except (zipfile.BadZipFile, zlib.error, RuntimeError, OSError) as cause:  # RuntimeError: encrypted
            raise DataError(f"{path}: not a zip archive, or damaged ({cause})") from cause
        self.layout = self._layout(index)

    def read(self, name: str) -> bytes:
        """The content of a file; its checksum is verified."""
        if self._zip.getinfo(name).file_size > LARGEST:
            raise zipfile.BadZipFile(f"larger than {LARGEST // 2**20} MiB")
        return self._zip.read(name)

    def items(self) -> list[Item]:
        pairs = zip(self.layout.names, self.layout.labels, strict=True)
        return [Item(name, partial(self.read, name), label) for name, label in pairs]

    def _layout(self, index: bytes | None) -> Layout:
        try:
            return layout(self._zip.namelist(), index)
        except DataError as error:
            raise DataError(f"{self.path}: {error}") from error
