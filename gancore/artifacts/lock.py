"""Lock files: one process at a time works in a folder. A lock goes with the process that holds it, however it ends."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gancore.errors import RunError


@contextmanager
def held(path: Path, taken: str) -> Iterator[None]:
    """Holds a lock file, made with its folder where it is not there.

    Raises RunError, with the message `taken`, when another process holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise RunError(taken) from error
        yield


@contextmanager
def waited_for(path: Path) -> Iterator[None]:
    """Holds a lock file as soon as no other process does. Raises OSError where there can be none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def is_locked(path: Path) -> bool:
    """Whether another process holds the lock; takes it for a moment, so its holder must wait for it, not give up."""
    try:
        with path.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False
