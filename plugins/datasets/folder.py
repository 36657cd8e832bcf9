"""Images in a folder and its sub-folders, labels as in gancore/data/layout.py."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import Field

from gancore.contracts import Dataset, Item, PluginConfig
from gancore.data.layout import INDEX, is_image, layout
from gancore.data.paths import files_below, located, read_regular, reason
from gancore.errors import DataError


class Folder(Dataset):
    """Plugin `folder`: all images below a folder, in the order of their paths."""

    class Config(PluginConfig):
        path: str = Field(description="the folder; relative to the experiment's file")

    def __init__(self, cfg: Config, base: Path) -> None:
        super().__init__(cfg, base)
        self.path = located(base, cfg.path)
        if not self.path.is_dir():
            raise DataError(f"{self.path}: no such folder")
        self.index = self.path / INDEX
        files = files_below(self.path)
        try:
            self.layout = layout(files, read_regular(self.index) if INDEX in files else None)
        except OSError as cause:
            raise DataError(f"{self.index}: cannot be read: {reason(cause)}") from cause
        except DataError as error:
            raise DataError(f"{self.path}: {error}") from error

    def items(self) -> Sequence[Item]:
        pairs = zip(self.layout.names, self.layout.labels, strict=True)
        return [Item(name, partial(read_regular, self.path / name), label) for name, label in pairs]

    def class_names(self) -> Sequence[str] | None:
        return self.layout.classes

    def sources(self) -> Sequence[Path]:
        return [self.path / name for name in self.layout.names]

    @classmethod
    def options_for(cls, path: Path) -> Mapping[str, Any] | None:
        found = path.is_dir() and any(is_image(name) for name in files_below(path))
        return {"path": str(path.resolve())} if found else None
