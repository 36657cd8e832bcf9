"""Paths that people write, and files that may be anything: what cannot be used is reported, and nothing waits."""

import os
from pathlib import Path

from gancore.errors import DataError


def located(base: Path, written: str) -> Path:
    """The path that an option names, relative to `base`, `~` filled in; there may be nothing there.

    Raises DataError for what can be no path, and for what may not be looked at.
    """
    try:
        path = base / Path(written).expanduser()
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except RuntimeError as cause:
        raise DataError(f"{written}: there is no such user") from cause
    except (OSError, ValueError) as cause:
        shown = written if written.isprintable() and len(written) <= 255 else repr(written[:60])
        raise DataError(f"{shown}: {reason(cause)}") from cause
    return path


def read_regular(path: Path) -> bytes:
    """The content of a regular file. Raises OSError for others; a pipe would be waited for without end."""
    path.stat()  # says why, where the file is missing or may not be seen
    if not path.is_file():
        raise OSError("not a regular file")
    return path.read_bytes()


def files_below(folder: Path) -> list[str]:
    """Names of all files below a folder, relative to it, with slashes. Raises DataError where one cannot be listed."""

    def refuse(cause: OSError) -> None:
        raise DataError(f"{cause.filename}: the folder cannot be read: {reason(cause)}") from cause

    walked = os.walk(folder, onerror=refuse)
    return [(Path(parent) / name).relative_to(folder).as_posix() for parent, _, names in walked for name in names]


def reason(cause: Exception) -> str:
    """What the system says, without the path and the number."""
    return getattr(cause, "strerror", None) or str(cause)
