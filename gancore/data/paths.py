"""Paths that people write, and files that may be anything: what cannot be used is reported, and nothing waits."""

import os
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO

from gancore.errors import DataError


def located(base: Path, written: str) -> Path:
    """The path that an option names, relative to `base`, `~` filled in; there may be nothing there.

    Raises DataError for an impossible path, and for one that may not be read.
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


LARGEST = 512 * 2**20
"""Bytes of one image file; a larger one is taken for a mistake, or for a decompression bomb."""


def read_regular(path: Path) -> bytes:
    """The content of a regular file of at most LARGEST bytes. Raises OSError for others."""
    with open_regular(path) as file:
        return file.read()


def open_regular(path: Path) -> BinaryIO:
    """A regular file of at most LARGEST bytes, opened. Raises OSError for others; a pipe would be waited for."""
    stat = path.stat()  # says why, where the file is missing or may not be seen
    if not S_ISREG(stat.st_mode):
        raise OSError("not a regular file")
    if stat.st_size > LARGEST:
        raise OSError(f"larger than {LARGEST // 2**20} MiB")
    return path.open("rb")


@dataclass(frozen=True)
class Below:
    """What lies below a folder: names relative to it, with slashes; those of folders without files end in a slash.

    not_followed: links to folders that were not entered.
    """

    names: list[str]
    not_followed: list[str]


def files_below(folder: Path, follow: bool = True) -> Below:
    """All files below a folder, those behind links to folders too if `follow`. Raises DataError where one cannot be
    listed.

    Every file is found once: a link to what is found without it, into the folder itself or behind another link, is not
    followed.
    """

    def refuse(cause: OSError) -> None:
        raise DataError(f"{cause.filename}: the folder cannot be read: {reason(cause)}") from cause

    below = Below([], [])
    entered = {folder.resolve()}
    around = set(folder.resolve().parents)
    for parent, folders, files in os.walk(folder, onerror=refuse, followlinks=True):
        prefix = "" if Path(parent) == folder else f"{Path(parent).relative_to(folder).as_posix()}/"
        folders.sort()
        for name in [name for name in folders if os.path.islink(os.path.join(parent, name))]:
            target = Path(parent, name).resolve()
            if follow and target not in around and entered.isdisjoint((target, *target.parents)):
                entered.add(target)
                around.update(target.parents)
            else:
                below.not_followed.append(f"{prefix}{name}")
                folders.remove(name)
        below.names.extend(f"{prefix}{name}" for name in files)
        if not files and not folders and prefix:
            below.names.append(prefix)
    return below


def reason(cause: Exception) -> str:
    """What the system says, without the path and the number."""
    return getattr(cause, "strerror", None) or str(cause)
