"""Tables that any spreadsheet or plotting tool reads: log.csv and scores.csv in a run folder, cells.csv in a grid's."""

import csv
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gancore.contracts import Observer, RunInfo

Row = dict[str, Any]


class CSV(Observer):
    """Plugin `csv`: a line for each log tick, each evaluation, and each cell that ends. It has no options."""

    def on_run_start(self, run: RunInfo) -> None:
        self.log, self.scores = Table(run.folder / "log.csv"), Table(run.folder / "scores.csv")
        self.on_rewind(run.step, run.kimg)

    def on_log(self, step: int, kimg: float, values: Mapping[str, float]) -> None:
        self.log.append({"step": step, "kimg": round(kimg, 3), **values})

    def on_evaluation(self, step: int, kimg: float, scores: Sequence[Mapping[str, Any]]) -> None:
        self.scores.append({"step": step, "kimg": round(kimg, 3), **_by_name(scores)})

    def on_rewind(self, step: int, kimg: float) -> None:
        for table in (self.log, self.scores):
            table.write([row for row in table.rows() if int(row["step"]) <= step])

    def on_cell_end(self, grid: Path, cell: str, state: str, scores: Sequence[Mapping[str, Any]]) -> None:
        table = Table(grid / "cells.csv")
        others = [row for row in table.rows() if row["cell"] != cell]
        table.write([*others, {"cell": cell, "state": state, **_by_name(scores)}])


class Table:
    """A CSV file. A new column of a row is added to all rows, empty."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def rows(self) -> list[Row]:
        """The rows by column; none if there is no file."""
        if not self.file.exists():
            return []
        with self.file.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def append(self, row: Row) -> None:
        """Adds a row."""
        columns = self._columns()
        if not columns or row.keys() - set(columns):
            self.write([*self.rows(), row])
            return
        with self.file.open("a", newline="", encoding="utf-8") as file:
            csv.DictWriter(file, columns).writerow(row)

    def write(self, rows: Sequence[Row]) -> None:
        """Replaces all rows, whole or not at all."""
        if not rows and not self.file.exists():
            return
        columns = list(dict.fromkeys(name for row in rows for name in row)) or self._columns()
        new = self.file.with_name(f"{self.file.name}.tmp")
        with new.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(rows)
        os.replace(new, self.file)

    def _columns(self) -> list[str]:
        if not self.file.exists():
            return []
        with self.file.open(newline="", encoding="utf-8") as file:
            return next(csv.reader(file), [])


def _by_name(scores: Sequence[Mapping[str, Any]]) -> Row:
    return {str(score["name"]): score["value"] for score in scores}
