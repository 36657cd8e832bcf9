"""Images in a folder and its sub-folders, labels as in gancore/data/layout.py."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from gancore.contracts import Dataset, Item, PluginConfig
from gancore.data.layout import INDEX, is_image, layout
from gancore.errors import DataError


class Folder(Dataset):
    """Plugin `folder`: all images below a folder, in the order of their paths."""

    class Config(PluginConfig):
        path: str = Field(description="the folder; relative to the experiment's file")

    def __init__(self, cfg: Config, base: Path) -> None:
        super().__init__(cfg, base)
        self.path = base / Path(cfg.path).expanduser()
        if not self.path.is_dir():
            raise DataError(f"{self.path}: no such folder")
        self.index = self.path / INDEX
        try:
            self.layout = layout(_files(self.path), self.index.read_bytes() if self.index.is_file() else None)
        except DataError as error:
            raise DataError(f"{self.path}: {error}") from error

    def items(self) -> Sequence[Item]:
        pairs = zip(self.layout.names, self.layout.labels, strict=True)
        return [Item(name, (self.path / name).read_bytes, label) for name, label in pairs]

    def class_names(self) -> Sequence[str] | None:
        return self.layout.classes

    def sources(self) -> Sequence[Path]:
        return [self.path / name for name in self.layout.names]

    @classmethod
    def options_for(cls, path: Path) -> Mapping[str, Any] | None:
        found = path.is_dir() and any(is_image(name) for name in _files(path))
        return {"path": str(path.resolve())} if found else None


def _files(folder: Path) -> Iterator[str]:
    """Files below the folder, relative to it, with slashes."""
    for parent, _, names in os.walk(folder):
        yield from ((Path(parent) / name).relative_to(folder).as_posix() for name in names)
