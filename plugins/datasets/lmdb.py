"""LMDB databases whose values are image files, as LSUN has them.

Source: github.com/fyu/lsun, data.py: keys in the order of the database, values WebP or JPEG files.
"""

import importlib
from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from io import BytesIO
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Any
from weakref import WeakValueDictionary

from pydantic import Field

from gancore.contracts import Dataset, Item, Place, PluginConfig
from gancore.data.decode import open_image
from gancore.data.layout import natural
from gancore.data.lazy import Lazy
from gancore.data.paths import located
from gancore.data.rejected import Rejected
from gancore.errors import DataError

FILE = "data.mdb"
MAPPED = 4 * 2**20
"""Bytes of values after which the database is opened again; up to eight times as much is mapped with them."""
KEYS = 10_000
"""Keys after which it is, since values that are small lie beside them."""


class Database:
    """One database, opened for reading. A process may open it once only: `opened` shares it.

    What is read is mapped, and stays in the process's memory until the database is closed: so it is opened again now
    and then.
    """

    def __init__(self, path: Path) -> None:
        self.path, self._lock, self._read, self._stamp = path, Lock(), 0, _stamp(path)
        self._env = _environment(path)
        self.keys: list[bytes] = []
        try:
            while piece := self._next_keys():
                self.keys += piece
                self._open_again()
        except _library().Error as cause:
            raise DataError(f"{path}: not an LMDB database, or damaged ({cause})") from cause
        if self.keys:
            try:
                open_image(BytesIO(self.read(0)))
            except Rejected as cause:
                raise DataError(f"{path}: a database, but its first value is not an image file ({cause})") from cause

    def read(self, index: int) -> bytes:
        with self._lock:
            if self._read > MAPPED:
                self._open_again()
            with self._env.begin() as transaction:
                value: bytes | None = transaction.get(self.keys[index])
            if value is None:
                raise OSError("no longer in the database")
            self._read += len(value)
            return value

    def _next_keys(self) -> list[bytes]:
        """Some keys after those that are known."""
        with self._env.begin() as transaction:
            cursor = transaction.cursor()
            there = cursor.set_key(self.keys[-1]) and cursor.next_nodup() if self.keys else cursor.first()
            return list(islice(cursor.iternext(values=False), KEYS)) if there else []

    def _open_again(self) -> None:
        self._env.close()
        self._env, self._read = _environment(self.path), 0
        if _stamp(self.path) != self._stamp:
            raise DataError(f"{self.path}: was replaced while it was read; run the command again")


def _environment(path: Path) -> Any:
    lmdb = _library()
    try:
        env = lmdb.open(str(path), readonly=True, create=False, lock=False, max_readers=64, readahead=False)
        needed, there = (env.info()["last_pgno"] + 1) * env.stat()["psize"], (path / FILE).stat().st_size
        if needed > there:  # reading beyond the end of a mapped file kills the process
            whole = "if it is whole and its last pages are free, `mdb_copy -c` makes one without these"
            raise OSError(f"truncated: {there} bytes, and its pages have {needed}; {whole}")
        return env
    except (lmdb.Error, OSError) as cause:
        raise DataError(f"{path}: not an LMDB database, or damaged ({cause})") from cause


_OPEN: WeakValueDictionary[tuple[str, int, int], Database] = WeakValueDictionary()


def _stamp(path: Path) -> tuple[int, int]:
    """What changes when the file of a database does."""
    stat = (path / FILE).stat()
    return stat.st_ino, stat.st_mtime_ns


def opened(path: Path) -> Database:
    """The database at a path, as its file is now. Raises DataError."""
    key = (str(path.resolve()), *_stamp(path))
    database = _OPEN.get(key) or Database(path)
    _OPEN[key] = database
    return database


class LMDB(Dataset):
    """Plugin `lmdb`: the images of a database in the order of its keys, or of several, whose folders are classes."""

    class Config(PluginConfig):
        path: Place[str] = Field(description="the folder of a database (data.mdb), or a folder of such, the classes")

    def __init__(self, cfg: Config, base: Path) -> None:
        super().__init__(cfg, base)
        self.path = located(base, cfg.path)
        self.folders = _folders(self.path)
        if not self.folders:
            raise DataError(f"{self.path}: no LMDB database ({FILE}) here, or in the folders in here")

    @cached_property
    def databases(self) -> list[Database]:
        return [opened(folder) for folder in self.folders]

    def items(self) -> Sequence[Item]:
        counts = [len(database.keys) for database in self.databases]
        return Lazy(sum(counts), self._item)

    def _item(self, index: int) -> Item:
        label = 0
        while index >= (count := len(self.databases[label].keys)):
            index, label = index - count, label + 1
        database = self.databases[label]
        name = f"{self.folders[label].name}/{database.keys[index].decode('utf-8', 'backslashreplace')}"
        return Item(name, partial(database.read, index), label if self.class_names() else None)

    def class_names(self) -> Sequence[str] | None:
        alone = self.folders == [self.path]
        return None if alone else [folder.name for folder in self.folders]

    def sources(self) -> Sequence[Path]:
        return [folder / FILE for folder in self.folders]

    @classmethod
    def options_for(cls, path: Path) -> Mapping[str, Any] | None:
        return {"path": str(path.resolve())} if path.is_dir() and _folders(path) else None


def _folders(path: Path) -> list[Path]:
    if (path / FILE).is_file():
        return [path]
    return sorted((file.parent for file in path.glob(f"*/{FILE}")), key=lambda folder: natural(folder.name))


def _library() -> Any:
    try:
        return importlib.import_module("lmdb")
    except ImportError as cause:
        raise DataError(f"dataset lmdb needs lmdb ({cause}); `pip install gancore[lmdb]`") from cause
