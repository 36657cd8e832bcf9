"""Atomic files: written under a temporary name beside their place, flushed, and renamed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gancore.names import json_text

TEMPORARY = ".tmp"


@contextmanager
def written(path: Path, flush: bool = True) -> Iterator[Path]:
    """Yields a temporary path to write; on success it replaces `path`, even if the power fails.

    flush: False for thousands of files, of which a power failure may lose the last ones.
    """
    temporary = path.with_name(path.name + TEMPORARY)
    try:
        temporary.touch()
        mode = temporary.stat().st_mode  # from the umask; a writer may choose a narrower one
        yield temporary
        temporary.chmod(mode)
        if flush:
            _flush(temporary)
        os.replace(temporary, path)
        if flush:
            _flush(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    with written(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    write_text(path, json_text(value, 2) + "\n")


def _flush(path: Path) -> None:
    """Writes a file, or the entries of a folder, through to the disk. Windows opens no folders, and flushes writers."""
    if os.name == "nt" and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
