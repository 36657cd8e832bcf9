"""The samples of all cells as a table of pictures, arranged like the tables of numbers, with reals beside them."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gancore.grid.folder import GridFolder
from gancore.grid.report.pictures import PAGE, Picture, newest, picture
from gancore.grid.report.results import CellResult, Results


@dataclass(frozen=True)
class Frame:
    """A cell's place in the gallery: its picture, or the reason why there is none."""

    cell: CellResult
    picture: Picture | None
    words: str


@dataclass(frozen=True)
class Gallery:
    """One seed's pictures at one place. reals: of each data set that its cells have, once."""

    title: str
    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Frame | None]]]
    reals: Sequence[Picture]


def galleries_of(results: Results, folder: GridFolder) -> Iterator[Gallery]:
    """A gallery for each seed and place."""
    for where in results.layout.places():
        for seed in dict.fromkeys(cell.seed for cell in results.cells):
            title = ", ".join(filter(None, (results.layout.title_of(where), f"seed {seed}")))
            cells = [cell for cell in results.cells if cell.seed == seed and where.items() <= cell.axes.items()]
            if cells:
                yield _gallery(results, folder, title, cells)


def _gallery(results: Results, folder: GridFolder, title: str, cells: Sequence[CellResult]) -> Gallery:
    row_axis, column_axis = results.layout.table_axes
    rows, columns = results.layout.labels_of(row_axis), results.layout.labels_of(column_axis)
    at = {(cell.axes.get(row_axis, ""), cell.axes.get(column_axis, "")): cell for cell in cells}

    def frame(row: str, column: str) -> Frame | None:
        cell = at.get((row, column))
        return _frame(folder, cell, PAGE // len(results.cells)) if cell else None

    return Gallery(
        title, columns, [(row, [frame(row, column) for column in columns]) for row in rows],
        list(_reals(folder, cells)),
    )  # fmt: skip


def _frame(folder: GridFolder, cell: CellResult, most: int) -> Frame:
    """`most`: bytes that the picture may take."""
    file = newest(folder.run(cell.name).samples)
    if file is None:
        return Frame(cell, None, "no samples yet" if cell.state != "failed" else "no samples")
    found = picture(file, _resolution(cell), most)
    return Frame(cell, None, found) if isinstance(found, str) else Frame(cell, found, "")


def _reals(folder: GridFolder, cells: Sequence[CellResult]) -> Iterator[Picture]:
    """The real images of each data set, from the first cell whose file is sound."""
    seen = set()
    for cell in cells:
        file, data = folder.run(cell.name).samples / "reals.png", json.dumps(cell.data, sort_keys=True)
        if data not in seen and file.is_file():
            found = picture(file, _resolution(cell))
            if isinstance(found, Picture):
                seen.add(data)
                yield found


def _resolution(cell: CellResult) -> int | None:
    return (cell.data or {}).get("resolution")
