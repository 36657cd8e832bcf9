"""The cells of a grid: experiments, checked together, and identified by their results."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from gancore.composition import experiment_data
from gancore.config import Experiment, with_changes
from gancore.config.identity import of_result
from gancore.config.yaml.scalars import inline
from gancore.data import DataIdentity
from gancore.errors import ConfigError, DataError, Problem
from gancore.grid.combinations import Combination, combinations_of, problems
from gancore.grid.stop_early import mistakes


@dataclass(frozen=True)
class Cell:
    """One experiment of a grid. `identified` fills the fields that need its data.

    identity: that of its result, 16 hex digits (gancore.config.identity); None if there are no data.
    data: identity of the images. flaw: why they could not be opened.
    """

    combination: Combination
    experiment: Experiment
    identity: str | None = None
    data: dict[str, Any] | None = None
    flaw: str | None = None

    @property
    def name(self) -> str:
        return self.combination.name


def cells_of(experiment: Experiment) -> list[Cell]:
    """All cells of the experiment's grid, resolved and checked.

    Raises ConfigError with the mistakes of all of them, each once, at the line of the value that causes it.
    """
    if experiment.grid is None:
        raise ConfigError([Problem(experiment.document.where(()), "", "there is no `grid:` section in this file")])
    if found := problems(experiment.grid, experiment.document):
        raise ConfigError(found)
    cells: list[Cell] = []
    flaws = _Flaws()
    for combination in combinations_of(experiment.grid):
        places = {axis: experiment.document.where(value.keys) for axis, value in combination.values.items()}
        try:
            cell = with_changes(experiment, combination.changes, places)
        except ConfigError as error:
            flaws.add(error.problems, combination.name)
        else:
            cells.append(Cell(combination, replace(cell, name=combination.name.replace("=", "-")[:100])))
    flaws.add_twins(cells, experiment)
    if not flaws.cells:
        flaws.add(mistakes(experiment, [cell.experiment for cell in cells]), "")
    if flaws.cells:
        raise ConfigError(flaws.problems())
    return cells


def experiments_of(experiment: Experiment) -> dict[str, Experiment]:
    """The cells of an experiment's grid by name, or the experiment alone if it has no grid; raises like `cells_of`."""
    if experiment.grid is None:
        return {experiment.name: experiment}
    return {cell.name: cell.experiment for cell in cells_of(experiment)}


def identified(cells: Iterable[Cell], say: Callable[[str], None] = lambda note: None) -> list[Cell]:
    """The cells with their data opened, once for all cells that share them; `say` receives notes."""
    opened: dict[str, DataIdentity | str] = {}
    found = []
    for cell in cells:
        experiment = cell.experiment
        key = json.dumps([experiment.data.to_dict(), str(experiment.base), experiment.data.spec.version])
        if key not in opened:
            opened[key] = _data_of(experiment, say)
        data = opened[key]
        if isinstance(data, str):
            found.append(replace(cell, flaw=data))
        else:
            identity = of_result(experiment, data.to_dict()).short
            found.append(replace(cell, identity=identity, data=data.to_dict()))
    return found


def _data_of(experiment: Experiment, say: Callable[[str], None]) -> DataIdentity | str:
    try:
        data = experiment_data(experiment)
    except DataError as error:
        return str(error)
    for note in data.notes:
        say(f"{experiment.document.where(('data',))}: {note}")
    return data.identity


@dataclass
class _Flaws:
    """Mistakes, each with the names of the cells that have it."""

    cells: dict[Problem, list[str]] = field(default_factory=dict)

    def add(self, problems: Iterable[Problem], cell: str) -> None:
        for problem in problems:
            self.cells.setdefault(problem, []).append(cell)

    def add_twins(self, cells: Iterable[Cell], experiment: Experiment) -> None:
        """Reports cells that are the same experiment: the same work twice."""
        first: dict[str, str] = {}
        for cell in cells:
            key = inline({**cell.experiment.identity(), "name": None})
            if (twin := first.setdefault(key, cell.name)) != cell.name:
                where = experiment.document.where(("grid",))
                self.add([Problem(where, "grid", f"{cell.name} is the same experiment as {twin}")], cell.name)

    def problems(self) -> list[Problem]:
        return [
            replace(problem, message=f"{problem.message} (in {len(names)} cells, {names[0]} first)")
            if len(names) > 1
            else problem
            for problem, names in self.cells.items()
        ]
