"""Published numbers beside measured ones, if the protocol allows it, or the reasons why not."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from gancore.config.yaml.document import find
from gancore.config.yaml.scalars import inline
from gancore.grid.published import PublishedCell, PublishedTable, published_tables
from gancore.grid.report.results import CellResult, Published


def published_beside(name: str | None, cells: Sequence[CellResult], configs: Mapping[str, Any]) -> Published | None:
    """Published numbers for the cells of a grid with `published`; None without it.

    configs: resolved experiments by cell, of those that have one.
    """
    if name is None:
        return None
    if name not in published_tables():  # written by another version
        unknown = f"this version of gancore has no published table {name!r}"
        return Published(None, name, None, None, name, {}, [unknown], [])
    table, why_not, differences = published_tables()[name], _Reasons(), _Reasons()
    beside = {}
    for cell in cells:
        config = configs.get(cell.name)
        numbers = _numbers(table, cell, config, why_not)
        if numbers:
            beside[cell.name] = numbers
            differences.add(_other_training(table, config), cell.name)
    return Published(
        paper=table.paper,
        table=table.table,
        remark=table.remark,
        snapshot=table.snapshot,
        name=name,
        cells=beside,
        why_not=why_not.lines(len(cells)),
        differences=differences.lines(len(cells)),
    )


def _numbers(table: PublishedTable, cell: CellResult, config: Any, why_not: "_Reasons") -> dict[str, float]:
    """The published numbers comparable with a cell; adds the reasons against others to `why_not`."""
    if config is None:
        why_not.add(["not begun yet"], cell.name)
        return {}
    published = _match(table, config)
    if published is None:
        why_not.add(["the table has no such cell"], cell.name)
        return {}
    if other := list(_other_images(table, cell)):
        why_not.add(other, cell.name)
    if not cell.snapshot(table.snapshot):
        why_not.add(["not evaluated yet"], cell.name)
        return {}
    reasons = {score: _other_protocol(score, table, cell) for score in published.scores}
    why_not.add(filter(None, reasons.values()), cell.name)
    return {} if other else {score: value for score, value in published.scores.items() if reasons[score] is None}


class _Reasons:
    """Reasons, each with the cells that have it."""

    def __init__(self) -> None:
        self.cells: dict[str, list[str]] = {}

    def add(self, reasons: Iterable[Any], cell: str) -> None:
        for reason in reasons:
            self.cells.setdefault(reason, []).append(cell)

    def lines(self, total: int) -> list[str]:
        """Each reason once, with the number of cells unless it holds for all."""
        return [
            reason if len(names) == total else f"{reason} (in {len(names)} of {total} cells)"
            for reason, names in self.cells.items()
        ]


def _match(table: PublishedTable, config: Any) -> PublishedCell | None:
    """The cell of the table for this experiment."""
    for cell in table.cells:
        if all(_at(config, key) == value for key, value in {**table.all, **cell.at}.items()):
            return cell
    return None


def _other_images(table: PublishedTable, cell: CellResult) -> Iterator[str]:
    data = cell.data or {}
    for key, value in table.data.items():
        if data.get(key) != value:
            yield f"images: {key} is {inline(data.get(key))}, in the paper {inline(value)}"


def _other_protocol(score: str, table: PublishedTable, cell: CellResult) -> str | None:
    """Why this score is not comparable with the published one; None if it is."""
    found = cell.snapshot(table.snapshot).get(score)
    if found is None:
        other = sorted(name for name in cell.snapshot(table.snapshot) if name.partition("[")[0] == score)
        seen = f"; {', '.join(other)} is seen through other features" if other else ""
        return f"{score} with the standard features was not measured{seen}"
    for key, value in table.scores[score].items():
        if (own := getattr(found, key, None)) != value:
            return f"{score}: {key} is {inline(own)}, in the paper {inline(value)}"
    return None


def _other_training(table: PublishedTable, config: Any) -> Iterator[str]:
    for key, value in table.settings.items():
        if (own := _at(config, key)) != value:
            yield f"{key} is {inline(own)}, in the paper {inline(value)}"


def _at(config: Any, key: str) -> Any:
    return find(config, tuple(key.split(".")))
