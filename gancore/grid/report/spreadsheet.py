"""results.csv: one line for each cell, with separate columns for the values of both snapshots."""

import csv
import io
import re
from typing import Any

from gancore.grid.report.results import SNAPSHOTS, CellResult, Results

PLAIN = ("state", "kimg", "target_kimg", "images_per_s", "seconds", "threads", "attempts", "reason")


FORMULA = re.compile(r"[=+\-@\t\n]")
"""Spreadsheets compute text that begins with these."""


def as_csv(results: Results) -> str:
    """Columns: cell, axes, seed, state, sizes, data, `SCORE (final)`, `SCORE (best)`, the kimg of the best.

    Text that a spreadsheet would compute (`=1+1`) has an apostrophe in front.
    """
    rows = [{inert(column): inert(value) for column, value in _row(results, cell).items()} for cell in results.cells]
    columns = list(dict.fromkeys(column for row in rows for column in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def inert(value: Any) -> Any:
    """The value itself, unless it is text that a spreadsheet would compute as a formula.

    Carriage returns, which the csv module leaves unquoted, would begin a row.
    """
    if not isinstance(value, str):
        return value
    text = value.replace("\r\n", "\n").replace("\r", "\n")
    return f"'{text}" if FORMULA.match(text) else text


def _row(results: Results, cell: CellResult) -> dict[str, Any]:
    published = results.published.beside(cell.name) if results.published else {}
    return {
        "cell": cell.name,
        **cell.axes,
        "seed": cell.seed,
        **{column: getattr(cell, column) for column in PLAIN},
        **{f"parameters.{network}": count for network, count in (cell.parameters or {}).items()},
        "data": (cell.data or {}).get("sha256"),
        **{f"{score} ({snapshot})": cell.value(score, snapshot)
           for score in results.scores for snapshot in SNAPSHOTS},
        "kimg (best)": next((score.kimg for score in cell.best.values()), None),
        **{f"{score} (published)": value for score, value in published.items()},
    }  # fmt: skip
