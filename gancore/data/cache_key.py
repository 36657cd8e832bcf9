"""What decoded images on disk are known by: everything that their pixels depend on."""

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from stat import S_ISREG
from typing import Any

import numpy as np
import PIL
import platformdirs

from gancore.contracts import Dataset, Item
from gancore.data.code_hash import code_hash
from gancore.data.decode import Form

VERSION = 1
"""Raised when decoding or fitting changes."""

HASHED_FILES = 16
HASHED_BYTES = 4 * 2**30
"""Up to so many files and bytes (an archive, a few IDX files) are known by content; more by size and times."""


def cache_folder() -> Path:
    """Where decoded images are kept: the environment's GANCORE_CACHE, or the user's folder for caches."""
    folder = os.environ.get("GANCORE_CACHE") or platformdirs.user_cache_dir("gancore")
    return Path(folder) / "data"


def cache_key(dataset: Dataset, items: Sequence[Item], form: Form, may_skip: float, labels: bool) -> str | None:
    """A hash (hex) of the sources and of what is made of them; None when the plugin cannot name its sources.

    None also when one of them is not a file or cannot be read: decoding will name it.
    """
    sources = dataset.sources()
    fingerprints = None if sources is None else _fingerprints(sources)
    if fingerprints is None:
        return None
    return _digest(
        {
            "version": [VERSION, PIL.__version__],
            "plugin": [f"{type(dataset).__module__}:{type(dataset).__qualname__}", code_hash(type(dataset))],
            "options": dataset.cfg.model_dump(mode="json"),
            "sources": fingerprints,
            "items": _lines_digest([item.name, np.asarray(item.label).tolist()] for item in items),
            "form": vars(form),
            "skip": may_skip,
            "labels": labels,
        }
    )


def _fingerprints(sources: Sequence[Path]) -> list[list[Any]] | str | None:
    """Path and content of few small files; path, size and times of many or large ones; None when one is not a file."""
    try:
        if len(sources) <= HASHED_FILES and sum(_stat(path).st_size for path in sources) <= HASHED_BYTES:
            return [[str(path.resolve()), file_hash(path)] for path in sources]
        return _lines_digest(_as_listed(path) for path in sources)
    except OSError:
        return None


def _as_listed(path: Path) -> list[Any]:
    stat = _stat(path)
    return [str(path.resolve()), stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns]


def _stat(path: Path) -> os.stat_result:
    """Raises OSError also for what is not a regular file."""
    stat = path.stat()
    if not S_ISREG(stat.st_mode):
        raise OSError("not a regular file")
    return stat


def file_hash(path: Path) -> str:
    """sha256 (hex) of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _lines_digest(lines: Iterable[Any]) -> str:
    """A hash of many values, of which one is in memory at a time."""
    digest = hashlib.sha256()
    for line in lines:
        digest.update(json.dumps(line).encode() + b"\n")
    return digest.hexdigest()


def _digest(value: Iterable[Any]) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
