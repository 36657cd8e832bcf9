"""The origin of the numbers: protocols, versions, devices, data, and the commands that repeat them."""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gancore.artifacts.scores import RecordedScore
from gancore.config.yaml.scalars import inline
from gancore.grid.report.results import SNAPSHOTS, CellResult, Results


@dataclass(frozen=True)
class Fact:
    """A property of the cells that have begun; more than one value is highlighted. `cells`: how many have each."""

    name: str
    values: Mapping[str, int]


@dataclass(frozen=True)
class Protocol:
    """How a score was computed."""

    score: str
    protocol: str
    features: str
    samples: str
    reals: str
    seed: str


def facts(results: Results) -> list[Fact]:
    """Versions, device, threads, data of all cells, equal ones once."""
    found: dict[str, dict[str, int]] = {}
    for cell in results.cells:
        for name, value in _facts(cell):
            counts = found.setdefault(name, {})
            counts[value] = counts.get(value, 0) + 1
    return [Fact(name, values) for name, values in found.items()]


def facts_of(cell: CellResult) -> list[tuple[str, str]]:
    """The same of one cell."""
    return list(_facts(cell))


def _facts(cell: CellResult) -> Iterator[tuple[str, str]]:
    for name, value in cell.environment.items():
        if name == "plugins" and isinstance(value, Mapping):
            yield "plugins", ", ".join(sorted(set(map(str, value.values()))))
        else:
            yield name, value if isinstance(value, str) else inline(value)
    for name in ("threads", "gpu", "host"):
        if (value := getattr(cell, name)) is not None:
            yield name, str(value)
    for name, value in (cell.data or {}).items():
        yield f"data: {name}", value if isinstance(value, str) else inline(value)


def protocols(results: Results) -> list[Protocol]:
    """Protocols of all scores in their order; two of one score where cells were evaluated in different ways."""
    found = {
        _protocol(cell.snapshot(snapshot)[name]): None
        for name in results.scores
        for cell in results.cells
        for snapshot in SNAPSHOTS
        if name in cell.snapshot(snapshot)
    }
    return list(found)


def _protocol(score: RecordedScore) -> Protocol:
    protocol, features, seed = map(_text, (score.protocol, score.features, score.seed))
    return Protocol(
        score.name, protocol, features, _count(score.samples), _count((score.data or {}).get("reals")), seed
    )


def _text(value: Any) -> str:
    return "–" if value is None else str(value)


def _count(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else "–"


def grid_commands(results: Results) -> list[str]:
    """From the grid folder to the same grid somewhere else, and to this report."""
    folder = Path(results.grid)
    return [
        f"gancore grid run {shlex.quote(str(folder / 'grid.yaml'))} --out {shlex.quote(results.name + '-again')}",
        f"gancore grid report {shlex.quote(str(folder))}",
    ]


def cell_command(results: Results, cell: CellResult) -> str:
    """Trains one cell again, with its own threads: they change bits."""
    file = Path(results.grid) / "cells" / f"{cell.name}.yaml"
    return f"gancore train {shlex.quote(str(file))} --out {shlex.quote(cell.name + '-again')}"
