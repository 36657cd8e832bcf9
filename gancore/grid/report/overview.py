"""The table of all cells: one row each, every column with a key to sort by."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gancore.grid.report.results import CellResult, Results
from gancore.grid.report.tables import snapshots_of
from gancore.grid.report.terms import word
from gancore.grid.status import clock


@dataclass(frozen=True)
class Column:
    """`key` is that of the address (`#sort=key`); a column with `choices` can be filtered by them."""

    key: str
    title: str
    numeric: bool
    choices: Sequence[str] = ()


@dataclass(frozen=True)
class Value:
    """The text, and the key to sort by; "" comes last."""

    text: str
    sort: str


@dataclass(frozen=True)
class Row:
    """One cell, with a value for each column."""

    cell: CellResult
    values: Sequence[Value]
    searched: str
    """The text that the filter searches."""


@dataclass(frozen=True)
class Overview:
    """The table of all cells; a row has as many values as there are columns."""

    columns: Sequence[Column]
    rows: Sequence[Row]


def overview_of(results: Results) -> Overview:
    """The table, its rows in the order of the cells."""
    columns = list(_columns(results))
    networks = _networks(results)
    rows = [Row(cell, list(_values(results, cell, networks)), _searched(cell)) for cell in results.cells]
    return Overview(columns, rows)


def _columns(results: Results) -> Iterator[Column]:
    names = results.layout.names
    for axis, labels in results.axes.items():
        yield Column(axis, names[axis], False, labels)
    yield Column("seed", "seed", True, [str(seed) for seed in results.seeds])
    yield Column("state", "state", False, list(dict.fromkeys(cell.state for cell in results.cells)))
    for score in results.scores:
        for snapshot in snapshots_of(results):
            yield Column(f"{score}.{snapshot}", f"{word(score)}, {snapshot}", True)
    if len(snapshots_of(results)) > 1:
        yield Column("best_kimg", "best at kimg", True)
    yield Column("kimg", "kimg", True)
    yield Column("images_per_s", "images/s", True)
    yield Column("seconds", "time", True)
    for network in _networks(results):
        yield Column(f"parameters.{network}", f"{network[:1].upper()} params", True)


def _values(results: Results, cell: CellResult, networks: Sequence[str]) -> Iterator[Value]:
    for label in cell.axes.values():
        yield Value(label, label)
    yield _number(cell.seed, "d")
    yield Value(cell.state, cell.state)
    for score in results.scores:
        for snapshot in snapshots_of(results):
            yield _number(cell.value(score, snapshot), f".{results.decimals[score]}f")
    if len(snapshots_of(results)) > 1:
        yield _number(next((score.kimg for score in cell.best.values()), None), "g")
    yield Value(f"{cell.kimg:.4g} / {cell.target_kimg:g}", repr(cell.kimg))
    yield _number(cell.images_per_s, ".1f")
    yield Value(clock(cell.seconds) if cell.seconds else "–", repr(cell.seconds) if cell.seconds else "")
    for network in networks:
        yield _number((cell.parameters or {}).get(network), ",d")


def _number(value: float | None, form: str) -> Value:
    return Value("–", "") if value is None else Value(format(value, form), repr(value))


def _networks(results: Results) -> list[str]:
    return list(dict.fromkeys(network for cell in results.cells for network in cell.parameters or {}))


def _searched(cell: CellResult) -> str:
    return " ".join(map(str, filter(None, (cell.name, cell.state, cell.reason, cell.identity)))).lower()
