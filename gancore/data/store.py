"""Decoded images kept on disk, in one file: pixels, a JSON text with the rest, its length and its checksum.

A file is written beside its place and renamed, so it is whole or not there, and processes that build the same data
set at once do not disturb each other. Reading verifies everything; a damaged file is reported and built again.
"""

import hashlib
import json
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from gancore.data.images import content_hash
from gancore.data.labels import label_array

TAIL = 8 + 32
"""Bytes after the JSON text: its length, little-endian, and its sha256."""

BUILDING = "building-"
"""The beginning of the names of files and folders in a cache that are not finished."""

STALE = 3600

log = logging.getLogger("gancore.data")


@dataclass(frozen=True)
class Decoded:
    """Images [M, C, R, R] uint8, labels [M] int64, [M, K] float32 or None, the hash of both, and skipped images.

    notes: what was noticed while decoding.
    """

    images: np.ndarray
    labels: np.ndarray | None
    sha256: str
    skipped: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def save(path: Path, decoded: Decoded) -> None:
    """Writes decoded images to `path`. Raises OSError when that cannot be done."""
    clear_stale(path.parent)
    with temporary(path.parent) as file:
        file.write(np.ascontiguousarray(decoded.images).data)
        finish(file, path, decoded)


def finish(file: BinaryIO, path: Path, decoded: Decoded) -> None:
    """Writes the rest after the pixels in `file`, and renames it."""
    text = json.dumps(
        {
            "shape": decoded.images.shape,
            "labels": None if decoded.labels is None else decoded.labels.tolist(),
            "sha256": decoded.sha256,
            "skipped": decoded.skipped,
            "notes": decoded.notes,
        }
    ).encode()
    file.write(text + len(text).to_bytes(8, "little") + hashlib.sha256(text).digest())
    file.flush()
    os.fsync(file.fileno())
    file.close()  # Windows renames no open file
    os.replace(file.name, path)


def load(path: Path, memory_limit: int) -> Decoded | None:
    """What was saved, mapped from the file beyond `memory_limit` bytes; None when it is missing or damaged."""
    try:
        buffer = mapped(path) if path.stat().st_size > memory_limit else np.fromfile(path, np.uint8)
        return _parse(buffer)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as cause:
        log.warning("%s is damaged (%s); the images are decoded again", path, cause)
        return None


def mapped(path: Path) -> np.ndarray:
    """The bytes of a file, mapped; changes to the array stay in memory."""
    return np.asarray(np.memmap(path, np.uint8, mode="c"))


@contextmanager
def temporary(folder: Path) -> Iterator[Any]:
    """A new file in the folder, removed at the end unless it was renamed."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder, prefix=BUILDING, delete=False) as file:
        try:
            yield file
        finally:
            Path(file.name).unlink(missing_ok=True)


def clear_stale(folder: Path) -> None:
    """Removes from a cache what killed processes were building; others write more often than every STALE seconds."""
    for path in folder.glob(f"{BUILDING}*"):
        with suppress(OSError):
            if path.stat().st_mtime < time.time() - STALE:
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def _parse(buffer: np.ndarray) -> Decoded:
    tail = buffer[-TAIL:].tobytes()
    length = int.from_bytes(tail[:8], "little")
    text = buffer[-TAIL - length : -TAIL].tobytes() if length < len(buffer) else b""
    if hashlib.sha256(text).digest() != tail[8:]:
        raise ValueError("its end is missing or changed")
    about = json.loads(text)
    labels = None if about["labels"] is None else label_array(about["labels"])
    images = buffer[: -TAIL - length].reshape(about["shape"])
    if content_hash(images, labels) != about["sha256"]:
        raise ValueError("its pixels have changed")
    return Decoded(images, labels, about["sha256"], about["skipped"], about["notes"])
