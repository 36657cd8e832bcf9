"""What decoding found, kept on disk in one file: bytes, a JSON text with the rest, its length and its checksum.

The bytes are all pixels, or, where images are decoded on the fly, a checksum of each.

A file is written beside its place and renamed, so it is whole or not there, and processes that build the same data
set at once do not disturb each other. A damaged file is reported and built again. Pixels are hashed when they are
written, and again only if the file has been written to since: its time of modification is then no longer its seal.
"""

import hashlib
import json
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from gancore.data.content_hash import content_hash
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

    def about(self) -> dict[str, Any]:
        return {
            "shape": self.images.shape,
            "labels": None if self.labels is None else self.labels.tolist(),
            "sha256": self.sha256,
            "skipped": self.skipped,
            "notes": self.notes,
        }


@dataclass(frozen=True)
class Known:
    """The same of images that are not kept: a checksum of each, uint32 [M], and their positions among the items.

    positions: int64 [M]; None: all items in their order.
    """

    checksums: np.ndarray
    positions: np.ndarray | None
    labels: np.ndarray | None
    sha256: str
    skipped: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def about(self) -> dict[str, Any]:
        return {
            "checksums": hashlib.sha256(self.checksums.tobytes()).hexdigest(),
            "positions": None if self.positions is None else self.positions.tolist(),
            "labels": None if self.labels is None else self.labels.tolist(),
            "sha256": self.sha256,
            "skipped": self.skipped,
            "notes": self.notes,
        }


def save(path: Path, found: Decoded | Known) -> None:
    """Writes what decoding found to `path`. Raises OSError when that cannot be done."""
    clear_stale(path.parent)
    with temporary(path.parent) as file:
        content = found.images if isinstance(found, Decoded) else found.checksums
        file.write(np.ascontiguousarray(content).data)
        finish(file, path, found.about())


def finish(file: BinaryIO, path: Path, about: Mapping[str, Any]) -> None:
    """Writes the rest after the bytes in `file`, and renames it."""
    text = json.dumps(about).encode()
    file.write(text + len(text).to_bytes(8, "little") + hashlib.sha256(text).digest())
    file.flush()
    os.fsync(file.fileno())
    file.close()  # Windows renames no open file
    os.replace(file.name, path)
    _seal(path, about["sha256"])  # now: an old file under a temporary name would be taken for a leftover


def load(path: Path, memory_limit: int) -> Decoded | None:
    """What was saved, mapped from the file beyond `memory_limit` bytes; None when it is missing or damaged."""
    with _damage_told(path):
        stat = path.stat()
        buffer, about = _parts(mapped(path) if stat.st_size > memory_limit else np.fromfile(path, np.uint8))
        images, labels = buffer.reshape(about["shape"]), _labels(about)
        if stat.st_mtime_ns != _seal_of(about["sha256"]):
            if content_hash(images, labels) != about["sha256"]:
                raise ValueError("its pixels have changed")
            _seal(path, about["sha256"])
        return Decoded(images, labels, about["sha256"], about["skipped"], about["notes"])
    return None


def load_known(path: Path) -> Known | None:
    """What was saved of images that are decoded on the fly; None when it is missing or damaged."""
    with _damage_told(path):
        buffer, about = _parts(np.fromfile(path, np.uint8))
        if hashlib.sha256(buffer.tobytes()).hexdigest() != about["checksums"]:
            raise ValueError("its checksums have changed")
        positions = None if about["positions"] is None else np.asarray(about["positions"], np.int64)
        checksums = buffer.copy().view(np.uint32)
        return Known(checksums, positions, _labels(about), about["sha256"], about["skipped"], about["notes"])
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


@contextmanager
def _damage_told(path: Path) -> Iterator[None]:
    """Ends at a missing file, and at a damaged one with a warning."""
    try:
        yield
    except FileNotFoundError:
        pass
    except (OSError, ValueError, KeyError, TypeError) as cause:
        log.warning("%s is damaged (%s); the images are decoded again", path, cause)


def _parts(buffer: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
    """The bytes of a file before its text, and what the text says."""
    tail = buffer[-TAIL:].tobytes()
    length = int.from_bytes(tail[:8], "little")
    text = buffer[-TAIL - length : -TAIL].tobytes() if length < len(buffer) else b""
    if hashlib.sha256(text).digest() != tail[8:]:
        raise ValueError("its end is missing or changed")
    return buffer[: -TAIL - length], json.loads(text)


def _labels(about: Mapping[str, Any]) -> np.ndarray | None:
    return None if about["labels"] is None else label_array(about["labels"])


def _seal(path: Path, sha256: str) -> None:
    """Notes on a file that its pixels have this hash; where that cannot be done, they are hashed each time."""
    with suppress(OSError):
        os.utime(path, ns=(_seal_of(sha256),) * 2)


def _seal_of(sha256: str) -> int:
    """A time of modification in whole seconds, as every file system can keep it, between 1986 and 2020."""
    return (2**29 + int(sha256[:8], 16) // 4) // 2 * 2 * 10**9
