"""Deletes files of a grid folder by its `retention`. Imports no torch."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gancore.artifacts.lock import held
from gancore.errors import RunError
from gancore.grid.folder import GridFolder


@dataclass(frozen=True)
class Superfluous:
    """A file or folder of a cell that may be deleted."""

    cell: str
    path: Path
    bytes: int
    why: str


def superfluous(folder: GridFolder) -> list[Superfluous]:
    """The files that retention does not keep; none of a cell that is running, waiting or damaged, unless it has left
    the grid. Raises RunError without a grid."""
    grid = folder.grid()
    wanted = {combination.name for combination in folder.combinations()}
    found: list[Superfluous] = []
    for cell in folder.all_states():
        if cell.name not in wanted and cell.state != "running" and not grid.retention.dropped:
            found += _everything(folder, cell.name)
        elif cell.state == "failed" and not grid.retention.failed:
            found += _item(cell.name, folder.run(cell.name).path, "the run of a failed cell")
        elif cell.state == "done":
            for path in folder.run(cell.name).checkpoints()[grid.retention.checkpoints :]:
                found += _item(cell.name, path, "a checkpoint of a finished cell")
    return found


def clean_up(folder: GridFolder, found: Sequence[Superfluous]) -> None:
    """Deletes the result of `superfluous`, unless a process has begun to work on the cell meanwhile."""
    for item in found:
        with suppress(RunError), held(folder.lock(item.cell), f"{item.cell}: another process works on it"):
            shutil.rmtree(item.path) if item.path.is_dir() else item.path.unlink(missing_ok=True)


def _everything(folder: GridFolder, name: str) -> Iterator[Superfluous]:
    """The state last, so that after a kill it still says that there is more to delete."""
    paths = (folder.run(name).path, folder.log(name), folder.experiment(name), folder.cells / f"{name}.json")
    for path in paths:
        yield from _item(name, path, "the cell is no longer in the grid")


def _item(cell: str, path: Path, why: str) -> Iterator[Superfluous]:
    if path.exists():
        files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
        yield Superfluous(cell, path, sum(file.stat().st_size for file in files), why)
