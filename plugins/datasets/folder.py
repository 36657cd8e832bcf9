"""Images in a folder and its sub-folders, labels as in gancore/data/layout.py."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from pydantic import Field

from gancore.contracts import Dataset, Item, PassedOver, Place, PluginConfig
from gancore.data.formats import is_image
from gancore.data.layout import Layout, layout, nothing_here
from gancore.data.lazy import Lazy
from gancore.data.paths import files_below, located, open_regular, read_regular, reason
from gancore.errors import DataError


class Folder(Dataset):
    """Plugin `folder`: all images below a folder, in the order of their paths."""

    class Config(PluginConfig):
        path: Place[str] = Field(description="the folder; relative to the experiment's file")

    def __init__(self, cfg: Config, base: Path) -> None:
        super().__init__(cfg, base)
        self.path = located(base, cfg.path)
        if not self.path.is_dir():
            raise DataError(f"{self.path}: no such folder")

    @cached_property
    def layout(self) -> Layout:
        """What lies in the folder, under the rules of `format`."""
        follow = self.format > 1
        below = files_below(self.path, follow)
        try:
            found = layout(below.names, self._index, self.format)
        except DataError as error:
            raise DataError(f"{self.path}: {error}") from error
        if not below.not_followed:
            return found
        why = "what they lead to is here already" if follow else "`data.format: 1` does not follow them"
        links = PassedOver("links to folders", len(below.not_followed), why)
        return replace(found, passed_over=[*found.passed_over, links])

    def _index(self, name: str) -> bytes:
        try:
            return read_regular(self.path / name)
        except OSError as cause:
            raise DataError(f"{name} cannot be read: {reason(cause)}") from cause

    def items(self) -> Sequence[Item]:
        if not self.layout.names:
            raise DataError(f"{self.path}: {nothing_here(self.layout)}")
        return Lazy(len(self.layout.names), self._item)

    def _item(self, index: int) -> Item:
        name, label = self.layout.names[index], self.layout.labels[index]
        return Item(name, partial(read_regular, self.path / name), label, partial(open_regular, self.path / name))

    def class_names(self) -> Sequence[str] | None:
        try:
            return self.layout.class_names()
        except DataError as error:
            raise DataError(f"{self.path}: {error}") from error

    def passed_over(self) -> Sequence[PassedOver]:
        return self.layout.passed_over

    def notes(self, labels: bool) -> Sequence[str]:
        return [*self.layout.notes, *(self.layout.label_notes if labels else ())]

    def sources(self) -> Sequence[Path]:
        return Lazy(len(self.layout.names), lambda index: self.path / self.layout.names[index])

    @classmethod
    def options_for(cls, path: Path) -> Mapping[str, Any] | None:
        found = path.is_dir() and any(is_image(name) for name in files_below(path).names)
        return {"path": str(path.resolve())} if found else None
