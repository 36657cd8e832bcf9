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


def neighbours_of(cells: Sequence[CellResult]) -> dict[str, list[tuple[str, CellResult]]]:
    """For each cell the cells of the same seed with another label on one axis, each with that axis, in their order."""
    lines: dict[tuple[Any, ...], list[int]] = {}
    for number, cell in enumerate(cells):
        for line in _lines(cell):
            lines.setdefault(line, []).append(number)
    found: dict[str, list[tuple[str, CellResult]]] = {}
    for cell in cells:
        beside = sorted((number, line[0]) for line in _lines(cell) for number in lines[line])
        found[cell.name] = [(axis, cells[number]) for number, axis in beside if cells[number] is not cell]
    return found


def _lines(cell: CellResult) -> Iterator[tuple[Any, ...]]:
    """For each axis what the cells have in common that differ on this axis alone."""
    for axis in cell.axes:
        yield (axis, cell.seed, *((other, label) for other, label in cell.axes.items() if other != axis))


def separating(experiments: Mapping[str, Any], cell: CellResult, other: CellResult) -> list[Difference]:
    """The keys in which the experiments of two cells differ; empty if one is unknown."""
    pair = [experiments.get(one.name) for one in (cell, other)]
    return [] if None in pair else [found for found in differences(*pair) if found.key != "name"]
