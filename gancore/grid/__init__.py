"""Many experiments from one, `gancore.grid(FILE)`: axes -> cells -> an executor (here, or a Ray cluster) -> results.

combinations  of the axes' values and the seeds, by name; knows the `grid:` section only
cells         each of them as an experiment, checked and identified
state         the life of a cell: what is known of it, and how attempts change that; pure functions
folder        where a grid lives, and the states of its cells on disk; light
stop_early    rules that stop hopeless cells
job           one cell in a separate process, gancore.cli.grid_cell
local, cluster  who runs the jobs: worker threads here, or Ray
run           from a file to finished cells
status, ticker, clean, report  looking at a grid folder; light
published     tables of papers that a grid may say it repeats; light
"""

import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gancore.config import ExperimentLike
    from gancore.grid.folder import GridFolder


class _Grid(ModuleType):
    """This package, which can be called: `gancore.grid(FILE)` beside `gancore.train(FILE)`."""

    def __call__(
        self,
        experiment: "ExperimentLike",
        out: str | Path | None = None,
        workers: int | None = None,
        retry_failed: bool = False,
        stop_after: float | None = None,
    ) -> "GridFolder":
        from gancore.grid.run import grid

        return grid(experiment, out, workers, retry_failed, stop_after)


sys.modules[__name__].__class__ = _Grid
