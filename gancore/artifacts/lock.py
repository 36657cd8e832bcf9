"""Lock files: one process at a time works in a folder. A lock ends with the process that holds it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout, lock_descriptor

from gancore.errors import RunError

MOMENT = 0.02
"""Seconds that `is_locked` and `held` wait, so that two processes that only look do not seem to hold the lock."""


@contextmanager
def held(path: Path, taken: str) -> Iterator[None]:
    """Holds a lock file, which is created with its folder if it does not exist.

    Raises RunError, with the message `taken`, if another process holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        lock = FileLock(path).acquire(timeout=MOMENT, poll_interval=0.005)
    except Timeout as error:
        raise RunError(taken) from error
    with lock:
        yield


@contextmanager
def waited_for(path: Path) -> Iterator[None]:
    """Waits until no other process holds a lock file, and holds it.  Raises OSError if it cannot be created."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path):
        yield


def is_locked(path: Path) -> bool:
    """Whether another process holds the lock. Takes it for a moment, unless the file is read-only."""
    if not path.exists():
        return False
    try:
        with FileLock(path).acquire(timeout=MOMENT, poll_interval=0.005):
            return False
    except Timeout:
        return True
    except OSError:
        return _is_locked_for_readers(path)


def _is_locked_for_readers(path: Path) -> bool:
    """The same in a read-only folder."""
    try:
        with path.open("rb") as file:
            return not lock_descriptor(file.fileno(), blocking=False)
    except OSError:  # a network file system that locks for writers only: the cell's state says what it was last
        return False
