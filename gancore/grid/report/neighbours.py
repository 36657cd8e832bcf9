"""What a cell is, as resolved YAML, and what separates it from its neighbours: cells that differ on one axis."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gancore.config.differences import Difference, differences
from gancore.config.loader import read
from gancore.errors import ConfigError
from gancore.grid.folder import GridFolder

Cell = Mapping[str, Any]


def experiments_of(folder: GridFolder, cells: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Resolved experiments by cell, as plain data; of a cell that has not begun, as it will be trained.

    A file that is no experiment is told in the cell's `damage`.
    """
    found = {}
    for cell in cells:
        for file in (folder.run(cell["name"]).config, folder.experiment(cell["name"])):
            if file.is_file():
                try:
                    found[cell["name"]] = read(file).data
                    break
                except ConfigError as error:
                    cell["damage"].append(str(error).splitlines()[0])
    return found


def neighbours(cell: Cell, cells: Sequence[Cell]) -> Iterator[tuple[str, Cell]]:
    """Cells of the same seed with another label on one axis, each with that axis."""
    for other in cells:
        axes = [axis for axis, label in cell["axes"].items() if other["axes"][axis] != label]
        if len(axes) == 1 and other["seed"] == cell["seed"]:
            yield axes[0], other


def separating(experiments: Mapping[str, Any], cell: Cell, other: Cell) -> list[Difference]:
    """The keys in which two cells are other experiments; none where one is not known."""
    pair = [experiments.get(one["name"]) for one in (cell, other)]
    return [] if None in pair else [found for found in differences(*pair) if found.key != "name"]
