"""The resolved experiment of a cell, and its differences from its neighbours: cells that differ on one axis."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from gancore.config.differences import Difference, differences
from gancore.config.yaml.reader import read
from gancore.errors import ConfigError
from gancore.grid.folder import GridFolder
from gancore.grid.report.results import CellResult


def experiment_of(folder: GridFolder, name: str) -> tuple[dict[str, Any] | None, list[str]]:
    """A cell's resolved experiment as plain data; the planned one, if it has not begun. None if there is none.

    Also returns the damage of files that should be experiments.
    """
    damage = []
    for file in (folder.run(name).config, folder.experiment(name)):
        if file.exists():
            try:
                found = read(file).data
            except ConfigError as error:
                damage.append(str(error).splitlines()[0])
                continue
            if isinstance(found, dict):
                return found, damage
            damage.append(f"{file}: not an experiment: expected a mapping")
    return None, damage


def yaml_of(folder: GridFolder, name: str) -> str:
    """The text of a cell's resolved experiment; "" if there is none."""
    for file in (folder.run(name).config, folder.experiment(name)):
        with suppress(OSError, UnicodeDecodeError):
            return file.read_text()
    return ""


def neighbours(cell: CellResult, cells: Sequence[CellResult]) -> Iterator[tuple[str, CellResult]]:
    """Cells of the same seed with another label on one axis, each with that axis."""
    for other in cells:
        axes = [axis for axis, label in cell.axes.items() if other.axes[axis] != label]
        if len(axes) == 1 and other.seed == cell.seed:
            yield axes[0], other


def separating(experiments: Mapping[str, Any], cell: CellResult, other: CellResult) -> list[Difference]:
    """The keys in which the experiments of two cells differ; empty if one is unknown."""
    pair = [experiments.get(one.name) for one in (cell, other)]
    return [] if None in pair else [found for found in differences(*pair) if found.key != "name"]
