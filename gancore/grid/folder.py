"""The grid folder: where the cells' run folders are, and what is known of each cell. Looking at it imports no torch.

grid.yaml            the experiment with its `grid:` section
cells/NAME.yaml      a cell as it is trained; plugins/ beside it has its local plugin files
cells/NAME.json      its state, written whole
cells/NAME.log       what its processes said
cells/NAME.lock      held by the process that works on it
cells/NAME/          its run folder
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import ValidationError

from gancore.artifacts import RunFolder
from gancore.artifacts.atomic import write_json
from gancore.artifacts.lock import held, is_locked
from gancore.config.grid import GridConfig
from gancore.config.loader import read
from gancore.errors import RunError
from gancore.grid.points import Point, points_of

State = Literal["waiting", "running", "done", "stopped", "interrupted", "killed", "failed", "damaged"]
BEGUN = (".lock", ".stop", "cells", "plugins")
"""What a grid folder may hold before grid.yaml is written."""

STATES: tuple[State, ...] = get_args(State)
"""Files never say running, which is read off the lock, nor damaged, which a file is then itself. stopped: by a rule
of `stop_early`. All but done, stopped and failed go on by themselves."""


@dataclass
class CellState:
    """What is known of a cell beside its run folder.

    identity: see gancore.grid.cells; None when its data could not be opened.
    values, labels: axis to value, and to what stands for it in names.
    attempts: processes that began to work on it so far. seconds: how long these took together.
    started: when the process began whose end nobody has told yet, seconds since the epoch.
    reason: why it is not done, in one line; `stderr` the end of what its process said, `exit_code` how it ended
        (negative: the signal). rule: the rule that stopped it.
    threads, gpu, host: what the last process had.
    parameters: of its networks, {"generator": 12345, "discriminator": 23456}.
    """

    name: str
    identity: str | None = None
    state: State = "waiting"
    labels: dict[str, str] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    seed: int = 0
    kimg: float = 0
    data: dict[str, Any] | None = None
    parameters: dict[str, int] | None = None
    attempts: int = 0
    seconds: float = 0
    started: float | None = None
    exit_code: int | None = None
    reason: str | None = None
    stderr: str | None = None
    rule: dict[str, Any] | None = None
    threads: int | None = None
    gpu: str | None = None
    host: str | None = None


class GridFolder:
    """Paths and states of a grid."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = path / "grid.yaml"
        self.cells = path / "cells"
        self.stop = path / ".stop"
        """While this is there, cells save and stop."""

    def __str__(self) -> str:
        return str(self.path)

    def run(self, name: str) -> RunFolder:
        return RunFolder(self.cells / name)

    def experiment(self, name: str) -> Path:
        return self.cells / f"{name}.yaml"

    def log(self, name: str) -> Path:
        return self.cells / f"{name}.log"

    def lock(self, name: str) -> Path:
        return self.cells / f"{name}.lock"

    def check_usable(self) -> None:
        """Raises RunError when the folder holds anything else than a grid, or the beginning of one."""
        if self.path.exists() and not self.path.is_dir():
            raise RunError(f"{self}: a file; choose a folder with --out")
        if self.file.is_file() or not self.path.exists():
            return
        foreign = [entry.name for entry in self.path.iterdir() if entry.name not in BEGUN]
        if foreign:
            raise RunError(f"{self}: not empty, and no grid ({sorted(foreign)[0]}); choose another folder with --out")

    def check_exists(self) -> None:
        """Raises RunError when there is no grid here."""
        if not self.file.is_file():
            raise RunError(f"{self}: no grid here; expected a folder that `gancore grid run` made, with grid.yaml")

    def grid(self) -> GridConfig:
        """The grid's section. Raises RunError when grid.yaml is not what was written there."""
        self.check_exists()
        try:
            return GridConfig.model_validate(read(self.file).data["grid"])
        except (ValidationError, KeyError, TypeError) as error:
            raise RunError(f"{self.file}: not the file of a grid: {error}") from error

    def points(self) -> list[Point]:
        """The cells of the grid, in their order."""
        return points_of(self.grid())

    def state(self, name: str) -> CellState:
        """What is known of a cell: it is running while a process holds its lock, and was interrupted when there is
        a run and no word of how its process ended. A file that cannot be read makes it a damaged one."""
        try:
            state = self.stored(name) or CellState(name)
        except RunError as error:
            state = CellState(name, state="damaged", reason=str(error))
        if is_locked(self.lock(name)):
            state.state = "running"
        elif state.state == "waiting" and self.run(name).exists():
            state.state = "interrupted"
        return state

    def stored(self, name: str) -> CellState | None:
        """What was written of a cell. Raises RunError when the file is damaged."""
        path = self.cells / f"{name}.json"
        try:
            return CellState(**json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as error:
            raise RunError(
                f"{path}: not the state of a cell ({error}); `gancore grid run` makes it anew from the run folder"
            ) from error

    def known(self, name: str) -> CellState:
        """What was written of a cell; a new state where nothing was, or the file is damaged."""
        try:
            return self.stored(name) or CellState(name)
        except RunError:
            return CellState(name)

    def all_states(self) -> list[CellState]:
        """States of all cells that ever were in this grid and have a file."""
        return [self.state(path.stem) for path in sorted(self.cells.glob("*.json"))]

    def write(self, state: CellState) -> None:
        write_json(self.cells / f"{state.name}.json", asdict(state))

    def rename(self, before: str, after: str) -> None:
        """Gives everything of a cell another name, its state first, so that a kill in between loses nothing."""
        for suffix in ("", ".log", ".lock"):
            source = self.cells / f"{before}{suffix}"
            if source.exists():
                source.rename(self.cells / f"{after}{suffix}")
        for suffix in (".json", ".yaml"):
            (self.cells / f"{before}{suffix}").unlink(missing_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the grid against a second runner. Raises RunError when another process has it."""
        self.cells.mkdir(parents=True, exist_ok=True)
        with held(self.path / ".lock", f"{self}: another process is running this grid"):
            yield
