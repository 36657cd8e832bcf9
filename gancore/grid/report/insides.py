"""What was found inside the models: the first picture of each analysis, cell by cell."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gancore.artifacts import analyses
from gancore.grid.folder import GridFolder
from gancore.grid.report.pictures import PAGE, Picture, figure
from gancore.grid.report.results import CellResult, Results


@dataclass(frozen=True)
class Inside:
    """One analysis of all cells: a picture of each, or the reason why there is none."""

    title: str
    cells: Sequence[tuple[CellResult, Picture | None, str]]


def insides_of(results: Results, folder: GridFolder) -> Iterator[Inside]:
    """An entry for each analysis that some cell has."""
    found: dict[str, list[tuple[CellResult, Picture | None, str]]] = {}
    records = [(cell, record) for cell in results.cells for record in analyses.read(folder.run(cell.name)).records]
    for cell, record in records:
        file = analyses.picture_of(folder.run(cell.name), record)
        shown = figure(file, PAGE // len(records)) if file else record.refused or "no picture"
        entry = (cell, None, shown) if isinstance(shown, str) else (cell, shown, "")
        found.setdefault(record.analysis, []).append(entry)
    for title, cells in found.items():
        yield Inside(title, cells)
