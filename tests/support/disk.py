"""A disk that counts what is done to it, fails at one of these operations, and remembers their order.

It stands between this process and one folder. `Disk.crashes` are the folders that a power failure may leave: what was
flushed is there; what was not is lost, or only its name is there.
"""

import builtins
import errno
import io
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from safetensors import SafetensorError

from gancore.artifacts import tensors

How = Literal["full", "short", "broken", "read-only", "denied"]
"""full: no space is left; short: neither, after half of the data; broken: an I/O error; read-only: the file system is,
as after an error; denied: no permission."""

NUMBERS: dict[How, int] = {
    "full": errno.ENOSPC,
    "short": errno.ENOSPC,
    "broken": errno.EIO,
    "read-only": errno.EROFS,
    "denied": errno.EACCES,
}


@dataclass(frozen=True)
class Operation:
    """What was done: a write, a flush of a file (`content` is what it then held) or a folder, a rename, a removal."""

    kind: Literal["write", "flush", "flush folder", "rename", "remove"]
    path: Path
    content: bytes = b""
    to: Path | None = None


@dataclass
class Disk:
    """The disk of one folder.

    fail_at: the number of the operation that fails, from 0; so do all later ones if `lasting`. Operations are the
        making of a folder, the opening of a file to write, writes, flushes and renames.
    """

    folder: Path
    fail_at: int | None = None
    how: How = "full"
    lasting: bool = True
    done: list[Operation] = field(default_factory=list)
    counted: int = 0

    @contextmanager
    def watched(self) -> Iterator["Disk"]:
        """Every write, flush, rename and removal below the folder passes through this disk."""
        with pytest.MonkeyPatch.context() as patch:
            for module in (builtins, io):
                patch.setattr(module, "open", self._open(open))
            patch.setattr(tensors, "save_file", self._save_file(tensors.save_file))
            patch.setattr(os, "fsync", self._fsync)
            patch.setattr(os, "replace", self._rename(os.replace))
            patch.setattr(os, "rename", self._rename(os.rename))
            patch.setattr(os, "unlink", self._unlink(os.unlink))
            patch.setattr(os, "mkdir", self._mkdir(os.mkdir))
            yield self

    def fails(self) -> bool:
        """Counts an operation, and says whether it fails."""
        number, self.counted = self.counted, self.counted + 1
        return self.fail_at is not None and (number == self.fail_at or (self.lasting and number > self.fail_at))

    def error(self, path: Path) -> OSError:
        number = NUMBERS[self.how]
        return OSError(number, os.strerror(number), str(path))

    def has(self, path: Any) -> bool:
        return isinstance(path, str | os.PathLike) and self.folder in Path(path).parents

    def _open(self, real: Any) -> Any:
        def opened(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
            if not self.has(file) or not set(mode) & set("wax+"):
                return real(file, mode, *args, **kwargs)
            if self.fails():
                raise self.error(Path(file))
            return _Written(self, Path(file), real(file, mode, *args, **kwargs))

        return opened

    def _mkdir(self, real: Any) -> Any:
        def mkdir(path: Any, *args: Any, **kwargs: Any) -> None:
            if self.has(path) and not Path(path).exists() and self.fails():
                raise self.error(Path(path))
            real(path, *args, **kwargs)

        return mkdir

    def _save_file(self, real: Any) -> Any:
        def save_file(values: Any, path: Path, **kwargs: Any) -> None:
            real(values, path, **kwargs)
            if self.has(path):
                if self.fails():
                    os.truncate(path, path.stat().st_size // 2 if self.how == "short" else 0)
                    number = NUMBERS[self.how]
                    raise SafetensorError(f"I/O error: {os.strerror(number)} (os error {number})")
                self.done.append(Operation("write", path))

        return save_file

    def _fsync(self, descriptor: int) -> None:
        path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        if path == self.folder or self.has(path):
            if self.fails():
                raise self.error(path)
            if path.is_dir():
                self.done.append(Operation("flush folder", path))
            else:
                self.done.append(Operation("flush", path, path.read_bytes()))

    def _rename(self, real: Any) -> Any:
        def rename(source: Any, target: Any, **kwargs: Any) -> None:
            if self.has(target) and self.fails():
                raise self.error(Path(source))
            real(source, target, **kwargs)
            if self.has(target):
                self.done.append(Operation("rename", Path(source), to=Path(target)))

        return rename

    def _unlink(self, real: Any) -> Any:
        def unlink(path: Any, **kwargs: Any) -> None:
            real(path, **kwargs)
            if self.has(path):
                self.done.append(Operation("remove", Path(path)))

        return unlink

    def crashes(self) -> Iterator[tuple[str, Mapping[Path, bytes]]]:
        """The files, by path in the folder, that power failures after each operation leave, in two ways.

        names late: a rename is lost unless its folder was flushed. names early: a rename is there, whether or not the
        data were flushed. Data that were not flushed are gone either way.
        """
        contents: dict[int, bytes] = {}
        now: dict[Path, int] = {}
        flushed: dict[Path, int] = {}
        for number, done in enumerate(self.done):
            match done.kind:
                case "write":
                    if done.path not in now:
                        now[done.path] = number
                        contents[number] = b""
                case "flush":
                    contents[now.setdefault(done.path, number)] = done.content
                case "flush folder":
                    flushed = {path: file for path, file in flushed.items() if path.parent != done.path}
                    flushed |= {path: file for path, file in now.items() if path.parent == done.path}
                case "rename":
                    assert done.to is not None
                    now[done.to] = now.pop(done.path)
                case "remove":
                    now.pop(done.path, None)
            for way, names in (("late", flushed), ("early", now)):
                files = {path.relative_to(self.folder): contents[file] for path, file in names.items()}
                yield f"after {number} ({done.kind} {done.path.name}), names {way}", files


class _Written:
    """A file that is being written."""

    def __init__(self, disk: Disk, path: Path, file: Any) -> None:
        self._disk, self._path, self._file = disk, path, file

    def write(self, data: Any) -> Any:
        if self._disk.fails():
            if self._disk.how == "short":
                self._file.write(data[: len(data) // 2])
                self._file.flush()
            raise self._disk.error(self._path)
        self._disk.done.append(Operation("write", self._path))
        return self._file.write(data)

    def fileno(self) -> int:
        raise io.UnsupportedOperation("writes pass through `write`")

    def __enter__(self) -> "_Written":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __iter__(self) -> Any:
        return iter(self._file)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)
