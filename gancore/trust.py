"""Whether a plugin file may be executed. Trust needs consent, and is never guessed from the contents of a folder.

A YAML file that the user names by its path is a request, and the plugin files that it names are executed, as
`python FILE` would. Files of a folder or a model execute nothing unless the user consents
(`--trust-local-plugins`) or the file is known: files that were copied into a run or a grid made by this account are
remembered by the SHA-256 of their bytes, in the user's data directory (or in $GANCORE_DATA). Where that directory
cannot be written, nothing is remembered.
"""

import hashlib
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import platformdirs

FOLDER_FILES = {"config.yaml", "grid.yaml"}
"""Files that gancore writes into run and grid folders. Beside them, all files in a folder named `cells`."""

_handed: set[str] = set()
"""Digests that the process which started this one has decided on."""


def may_execute(content: bytes, *, requested: bool, trusted: bool) -> bool:
    """Whether to execute a plugin file with this content. This is the only place that decides.

    requested: the user named the YAML file that names it, or wrote it in Python.
    trusted: --trust-local-plugins was given.
    """
    return requested or trusted or digest(content) in _handed or (_folder() / digest(content)).is_file()


def is_request(file: Path) -> bool:
    """Whether naming this YAML file is a request to execute the plugin files in it.

    Not for the files of run and grid folders: a user who names one means the folder. Names decide, since the maker of a
    folder chooses the files beside it.
    """
    ways = (Path(os.path.abspath(file)), file.resolve())
    return not any(way.name.casefold() in FOLDER_FILES or way.parent.name.casefold() == "cells" for way in ways)


def remember(content: bytes) -> None:
    """Notes that this account has executed a plugin file with this content, if there is a place to note it."""
    with suppress(OSError):
        _folder().mkdir(mode=0o700, parents=True, exist_ok=True)
        (_folder() / digest(content)).touch()


def hand_over(digests: Iterable[str]) -> None:
    """Trusts files with these digests in this process: the decision of the process that started it."""
    _handed.update(digests)


def digest(content: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(content).hexdigest()


def _folder() -> Path:
    return Path(os.environ.get("GANCORE_DATA") or platformdirs.user_data_dir("gancore")) / "trusted"
