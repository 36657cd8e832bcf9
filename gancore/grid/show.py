"""`gancore.show`: a run or a grid on the disk, as an object that a notebook shows."""

from pathlib import Path

from gancore.artifacts import RunFolder
from gancore.errors import RunError
from gancore.grid.folder import GridFolder


def show(folder: str | Path) -> RunFolder | GridFolder:
    """The run or the grid in a folder, at any time, also while it is trained or after an interruption.

    Raises RunError if there is neither.
    """
    run, grid = RunFolder(Path(folder)), GridFolder(Path(folder))
    if grid.file.is_file():
        return grid
    if not run.exists():
        raise RunError(f"{folder}: neither a run nor a grid; expected a folder with config.yaml or grid.yaml")
    return run
