"""Caches statistics of real images on disk, under a key of everything that they depend on.

A file contains its whole key, and a checksum: another data set, count, filter, mirror flag, feature
plugin (its code with the networks of gancore that it builds) or file of weights has another key, and a file that is
damaged or has a wrong name is computed again.
"""

import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from torch import Tensor

from gancore.artifacts.lock import waited_for
from gancore.artifacts.tensors import load_tensors, save_tensors
from gancore.data.cache_key import cache_folder
from gancore.data.store import BUILDING, clear_stale
from gancore.errors import RunError

VERSION = 1
"""Version of the computation; increase it if that changes."""

Key = Mapping[str, Any]
log = logging.getLogger("gancore.evaluation")


def statistics_folder() -> Path:
    """`statistics` in the environment's GANCORE_CACHE, or in the user's folder for caches."""
    return cache_folder().parent / "statistics"


def cached(key: Key, make: Callable[[], dict[str, Tensor]], folder: Path | None = None) -> dict[str, Tensor]:
    """The cached tensors of a key (JSON), computed and cached if there are none."""
    folder = folder or statistics_folder()
    full = {"version": VERSION, **key}
    path = folder / f"{hashlib.sha256(json.dumps(full, sort_keys=True).encode()).hexdigest()}.safetensors"
    if (found := _read(path, full)) is not None:
        return found
    with _alone(path):
        if (found := _read(path, full)) is None:
            found = make()
            _keep(path, found, full)
    return found


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Cells of a grid need the same file at once: one computes it, the others wait. Without a lock, each does."""
    with ExitStack() as locks:
        with suppress(OSError):  # a folder that cannot be written
            locks.enter_context(waited_for(path.with_suffix(".lock")))
        yield


def _read(path: Path, key: Key) -> dict[str, Tensor] | None:
    if not path.is_file():
        return None
    try:
        tensors, about = load_tensors(path)
    except RunError as error:
        log.warning("%s; the statistics are computed again", error)
        return None
    if about.get("key") != json.loads(json.dumps(key)):
        log.warning("%s: statistics of something else; they are computed again", path)
        return None
    return tensors


def _keep(path: Path, tensors: dict[str, Tensor], key: Key) -> None:
    """Writes in a separate folder first, since several processes may write the same file at once."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        clear_stale(path.parent)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=BUILDING) as building:
            made = Path(building) / path.name
            save_tensors(made, tensors, {"kind": "statistics", "key": key})
            os.replace(made, path)
    except OSError as cause:
        log.warning("statistics cannot be cached in %s (%s); GANCORE_CACHE may name another folder", path.parent, cause)
