"""Images in a zip archive, with labels from its `dataset.json` or its folders (gancore/data/layout.py)."""

import zipfile
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import Field

from gancore.contracts import Dataset, Item, PassedOver, Place, PluginConfig
from gancore.data.archive import Archive
from gancore.data.paths import located


class Zip(Dataset):
    """Plugin `zip`: the images of an archive, in the order of their names."""

    class Config(PluginConfig):
        path: Place[str] = Field(description="the archive; relative to the experiment's file")

    def __init__(self, cfg: Config, base: Path) -> None:
        super().__init__(cfg, base)
        self.path = Archive(located(base, cfg.path)).path

    @cached_property
    def archive(self) -> Archive:
        """Opened on first use, by the rules of `format`."""
        return Archive(self.path, self.format)

    def items(self) -> Sequence[Item]:
        return self.archive.items()

    def class_names(self) -> Sequence[str] | None:
        return self.archive.class_names()

    def passed_over(self) -> Sequence[PassedOver]:
        return self.archive.layout.passed_over

    def notes(self, labels: bool) -> Sequence[str]:
        return [*self.archive.layout.notes, *(self.archive.layout.label_notes if labels else ())]

    def sources(self) -> Sequence[Path]:
        self.archive.check_in_place()  # decoded images are kept under the content of what lies there
        return [self.path]

    @classmethod
    def options_for(cls, path: Path) -> Mapping[str, Any] | None:
        return {"path": str(path.resolve())} if path.is_file() and zipfile.is_zipfile(path) else None
