"""WebDataset shards: tar archives, in which files with one name before the first dot are one sample.

Source: github.com/webdataset/webdataset, "The WebDataset Format". An image is any file of a kind that is read here; its
label is the whole number in a file NAME.cls beside it.
"""

import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import Field

from gancore.contracts import Dataset, Item, Place, PluginConfig
from gancore.data.formats import is_image
from gancore.data.index import numbered
from gancore.data.layout import natural
from gancore.data.lazy import Lazy
from gancore.data.paths import LARGEST, located
from gancore.errors import DataError

BLOCK = 512
"""Bytes of a tar archive's unit; the end is two of them with zeros."""


@dataclass(frozen=True, slots=True)
class Member:
    """Where an image lies: its shard, its name in there, its place and size in bytes, and its label."""

    shard: Path
    name: str
    offset: int
    size: int
    label: int | None

    def read(self) -> bytes:
        with self.shard.open("rb") as file:
            file.seek(self.offset)
            return file.read(self.size)


class WebDataset(Dataset):
    """Plugin `webdataset`: the images of tar shards, in the order of the shards' names, and of each shard."""

    class Config(PluginConfig):
        path: Place[str] = Field(description="a folder with shards (.tar), or one of them")

    def __init__(self, cfg: Config, base: Path) -> None:
        super().__init__(cfg, base)
        self.path = located(base, cfg.path)
        if not self.path.exists():
            raise DataError(f"{self.path}: no such file or folder")
        self.shards = _shards(self.path)
        if not self.shards:
            raise DataError(f"{self.path}: no shards (.tar) in this folder")

    @cached_property
    def members(self) -> list[Member]:
        return [member for shard in self.shards for member in _members(shard)]

    def items(self) -> Sequence[Item]:
        if not self.members:
            raise DataError(f"{self.path}: no images in the shards")
        return Lazy(len(self.members), self._item)

    def _item(self, index: int) -> Item:
        member = self.members[index]
        return Item(f"{member.shard.name}/{member.name}", member.read, member.label)

    def class_names(self) -> Sequence[str] | None:
        labels = [member.label for member in self.members if member.label is not None]
        return numbered(labels) if labels else None

    def sources(self) -> Sequence[Path]:
        return self.shards

    @classmethod
    def options_for(cls, path: Path) -> Mapping[str, Any] | None:
        found = (path.is_dir() or path.suffix == ".tar") and any(map(tarfile.is_tarfile, _shards(path)[:1]))
        return {"path": str(path.resolve())} if found else None


def _shards(path: Path) -> list[Path]:
    return sorted(path.glob("*.tar"), key=lambda shard: natural(shard.name)) if path.is_dir() else [path]


def _members(shard: Path) -> list[Member]:
    """The images of a shard. Raises DataError where it is not a tar archive, or compressed, damaged or truncated."""
    images: list[tarfile.TarInfo] = []
    labels: dict[str, int] = {}
    try:
        size = shard.stat().st_size
        with tarfile.open(shard, "r:") as archive:
            for about in _each(archive):
                if about.offset_data + about.size > size - 2 * BLOCK:
                    raise tarfile.ReadError("its end is missing")
                if about.size > LARGEST:
                    raise tarfile.ReadError(f"{about.name} is larger than {LARGEST // 2**20} MiB")
                if is_image(about.name):
                    images.append(about)
                elif about.name.endswith(".cls"):
                    content = archive.extractfile(about)
                    labels[_key(about.name)] = int(content.read(20)) if content else -1
        with shard.open("rb") as file:
            file.seek(-2 * BLOCK, 2)
            if any(file.read()):
                raise tarfile.ReadError("its end is missing")
    except (tarfile.TarError, OSError, ValueError) as cause:
        raise DataError(f"{shard}: not a tar archive without compression, or damaged ({cause})") from cause
    return [Member(shard, at.name, at.offset_data, at.size, labels.get(_key(at.name))) for at in images]


def _each(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """The regular files of an archive, none of which it remembers: shards may hold millions."""
    for about in archive:
        archive.members = []  # type: ignore[attr-defined]
        if about.isreg():
            yield about


def _key(name: str) -> str:
    """What the files of a sample have in common: folders, and the name before its first dot."""
    folder, slash, file = name.rpartition("/")
    return f"{folder}{slash}{file.partition('.')[0]}"
