"""The `init_from:` section: weights that training starts from, instead of random ones."""

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field

from gancore.options import Later, PluginConfig


class InitFrom(PluginConfig):
    """Where first weights come from. Tensors match by name and shape; those that do not fit are listed and skipped."""

    file: str = Field(
        min_length=1,
        description="a model, a checkpoint or a run folder of gancore, or a file that `gancore import` reads; "
        "relative to this file",
    )
    networks: tuple[Literal["generator", "discriminator"], ...] = Field(
        ("generator", "discriminator"), strict=False, min_length=1, description="which networks start from it"
    )
    freeze: tuple[str, ...] = Field(
        (), strict=False, description="parts whose parameters stay as they are: discriminator.b4, generator.mapping"
    )
    partial: Later[bool] = Field(
        False,
        description="take the first entries of tensors that differ from ours in one dimension only, as with other "
        "numbers of labels",
    )
    sha256: str | None = Field(
        None, pattern=r"^[0-9a-f]{64}$", description="of the file; a run has it, and refuses another file"
    )

    def source(self, home: Path) -> Path:
        """The file, seen from a folder; that of a run folder is its newest checkpoint, or else its model."""
        path = home / self.file
        if path.is_dir() and not (path / "config.json").is_file():
            return max(path.glob("checkpoint-*.safetensors"), default=path / "model.safetensors")
        return path

    def pinned(self, home: Path) -> "InitFrom":
        """The same with an absolute path and the content of the file. Raises OSError if it cannot be read."""
        source = self.source(home).resolve()
        return self.model_copy(update={"file": str(source), "sha256": content_hash(source)})

    def known_by_content(self, home: Path) -> "InitFrom":
        """The same without its path, if the content is known."""
        try:
            known = self if self.sha256 else self.pinned(home)
        except OSError:
            return self
        return known.model_copy(update={"file": "by content"})


def content_hash(path: Path) -> str:
    """SHA-256 in hex; for a folder, that of its weights and their arguments. Raises OSError."""
    files = [path / name for name in ("config.json", "model.safetensors")] if path.is_dir() else [path]
    stamps = [file.stat() for file in files]
    return _hash(tuple(files), tuple((stamp.st_size, stamp.st_mtime_ns) for stamp in stamps))


@lru_cache(maxsize=64)
def _hash(files: tuple[Path, ...], stamps: tuple[tuple[int, int], ...]) -> str:
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as content:
            while block := content.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
