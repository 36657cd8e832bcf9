"""The grid folder: the cells' run folders and states. Looking at it imports no torch.

grid.yaml            the experiment with its `grid:` section
cells/NAME.yaml      a cell, whole; plugins/ beside it has its local plugin files
cells/NAME.json      its state, written whole
cells/NAME.log       the output of its processes
cells/NAME.lock      held by the process that works on it
cells/NAME/          its run folder
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from gancore.artifacts import RunFolder
from gancore.artifacts.atomic import write_json
from gancore.artifacts.lock import held, is_locked
from gancore.artifacts.reading import first_mistake, read_json
from gancore.artifacts.run import check_name
from gancore.config.sections.grid import GridConfig
from gancore.config.yaml.document import find
from gancore.config.yaml.reader import read
from gancore.errors import RunError
from gancore.grid.combinations import Combination, combinations_of
from gancore.grid.state import CellState

BEGUN = (".lock", ".stop", "cells", "plugins")
"""What a grid folder may hold before grid.yaml is written."""


class GridFolder:
    """Paths and states of a grid."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock_file = path / ".lock"
        """Held by the process that runs the grid."""
        self.file = path / "grid.yaml"
        self.cells = path / "cells"
        self.stop = path / ".stop"
        """While this file exists, cells save and stop."""

    def __str__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        from gancore.grid.status import status_of, summary

        return f"<grid {self}: {summary(status_of(self))}>" if self.file.is_file() else f"<grid {self}: none here yet>"

    def _repr_html_(self) -> str:
        from gancore.grid.status import as_html, status_of

        return as_html(status_of(self))

    def run(self, name: str) -> RunFolder:
        return RunFolder(self.cells / name)

    def experiment(self, name: str) -> Path:
        return self.cells / f"{name}.yaml"

    def log(self, name: str) -> Path:
        return self.cells / f"{name}.log"

    def lock(self, name: str) -> Path:
        return self.cells / f"{name}.lock"

    def check_usable(self) -> None:
        """Raises RunError if the folder holds anything but a grid, or the beginning of one."""
        if self.path.exists() and not self.path.is_dir():
            raise RunError(f"{self}: a file; choose a folder with --out")
        check_name(self.path)
        if self.file.is_file() or not self.path.exists():
            return
        foreign = [entry.name for entry in self.path.iterdir() if entry.name not in BEGUN]
        if foreign:
            raise RunError(f"{self}: not empty, and no grid ({sorted(foreign)[0]}); choose another folder with --out")

    def check_exists(self) -> None:
        """Raises RunError if there is no grid here."""
        if not self.file.is_file():
            raise RunError(f"{self}: no grid here; expected a folder that `gancore grid run` made, with grid.yaml")

    def grid(self) -> GridConfig:
        """The grid's section. Raises RunError if grid.yaml is damaged."""
        self.check_exists()
        try:
            return GridConfig.model_validate(read(self.file).data["grid"])
        except ValidationError as error:
            raise RunError(f"{self.file}: not the file of a grid: {first_mistake(error)}") from error
        except (KeyError, TypeError) as error:
            raise RunError(f"{self.file}: not the file of a grid: it has no `grid:` section") from error

    def data_format(self) -> int | None:
        """`data.format` of the grid here, None without a grid. Raises ConfigError if it is not YAML."""
        return (find(read(self.file).data, ("data", "format")) or 1) if self.file.is_file() else None

    def combinations(self) -> list[Combination]:
        """The cells of the grid, in their order."""
        return combinations_of(self.grid())

    def state(self, name: str) -> CellState:
        """The state of a cell; damaged if its file cannot be read.

        It is running while a process holds its lock, and until the process that runs the grid has recorded how
        that ended. It was interrupted if there is a run, but no process left to record how it ended.
        """
        at_work, watched = is_locked(self.lock(name)), is_locked(self.lock_file)  # before its file, which tells the end
        try:
            state = self.stored(name) or CellState(name)
        except RunError as error:
            state = CellState(name, state="damaged", reason=str(error))
        if at_work or (state.started is not None and watched):
            return replace(state, state="running")
        if state.state == "waiting" and self.run(name).exists():
            return replace(state, state="interrupted")
        return state

    def stored(self, name: str) -> CellState | None:
        """The recorded state of a cell. Raises RunError if the file is damaged, or of another cell."""
        path = self.cells / f"{name}.json"
        try:
            state = read_json(path, _STATE)
            wrong = "" if state.name == name else f"it is that of {state.name}"
        except FileNotFoundError:
            return None
        except RunError as error:
            wrong = str(error).removeprefix(f"{path}: ")
        if wrong:
            raise RunError(
                f"{path}: not the state of a cell ({wrong}); `gancore grid run` makes it anew from the run folder"
            )
        return state

    def known(self, name: str) -> CellState:
        """The recorded state of a cell; a new one if there is none, or the file is damaged."""
        try:
            return self.stored(name) or CellState(name)
        except RunError:
            return CellState(name)

    def all_states(self) -> list[CellState]:
        """States of all cells with a file, also of those that have left the grid."""
        return [self.state(path.stem) for path in sorted(self.cells.glob("*.json"))]

    def write(self, state: CellState) -> None:
        write_json(self.cells / f"{state.name}.json", _STATE.dump_python(state))

    def last_sign(self, name: str) -> float:
        """When the cell's run folder or its log was last written to, seconds since the epoch; 0 without either."""
        run = self.run(name).path
        files = [self.log(name), *(run.iterdir() if run.is_dir() else ())]
        return max((file.stat().st_mtime for file in files if file.exists()), default=0.0)

    def rename(self, before: str, after: str) -> None:
        """Renames all files of a cell, its state first, so that a kill in between loses nothing."""
        for suffix in ("", ".log", ".lock"):
            source = self.cells / f"{before}{suffix}"
            if source.exists():
                source.rename(self.cells / f"{after}{suffix}")
        for suffix in (".json", ".yaml"):
            (self.cells / f"{before}{suffix}").unlink(missing_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Locks the grid for this process. Raises RunError if another process holds it."""
        self.cells.mkdir(parents=True, exist_ok=True)
        with held(self.lock_file, f"{self}: another process is running this grid"):
            yield


_STATE = TypeAdapter(CellState)
