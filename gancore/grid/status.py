"""The progress of a grid, read from its folder while it runs. Imports no torch."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gancore import display
from gancore.artifacts import log, scores
from gancore.grid.folder import GridFolder
from gancore.grid.state import STATES, State

COLUMNS = ("cell", "state", "kimg", "images/s", "left", "scores")

THUMBNAIL = 128
"""Side of the samples in a notebook's table, pixels."""


@dataclass(frozen=True)
class CellStatus:
    """One cell: its progress towards `target_kimg`, its present speed in images/s, its last scores by name."""

    name: str
    state: State
    kimg: float
    target_kimg: float
    images_per_s: float | None
    seconds_left: float | None
    scores: dict[str, float]
    reason: str | None
    attempts: int


@dataclass(frozen=True)
class GridStatus:
    """All cells in order, and the seconds until the last of those that will continue is done; None: unknown yet."""

    folder: str
    cells: list[CellStatus]
    seconds_left: float | None

    @property
    def counts(self) -> dict[State, int]:
        counts = Counter(cell.state for cell in self.cells)
        return {state: counts[state] for state in STATES if counts[state]}

    @property
    def finished(self) -> bool:
        """Whether a run of the grid would find nothing to do by itself."""
        return all(cell.state in ("done", "stopped", "failed") for cell in self.cells)

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "counts": self.counts}


def status_of(folder: GridFolder) -> GridStatus:
    """Raises RunError if there is no grid."""
    cells = [_cell(folder, combination.name) for combination in folder.combinations()]
    return GridStatus(str(folder), cells, _seconds_left(cells))


def _cell(folder: GridFolder, name: str) -> CellStatus:
    state, run = folder.state(name), folder.run(name)
    ticks = log.read(run, last=log.RECENT).records
    kimg, rate = log.kimg_reached(run, ticks), log.speed(ticks)
    left = (state.kimg - kimg) * 1000 / rate if rate and state.state == "running" else None
    final = {name: score.value for name, score in scores.read(run.metrics, last=log.RECENT).final.items()}
    return CellStatus(
        name, state.state, kimg, state.kimg, rate, left and max(left, 0.0), final, state.reason, state.attempts
    )


def _seconds_left(cells: list[CellStatus]) -> float | None:
    """The remaining work divided by the speed of all running cells; cells without a speed have the mean of the
    others."""
    rates = {cell.name: cell.images_per_s for cell in cells if cell.images_per_s}
    running = sum(cell.state == "running" for cell in cells)
    if not running or not rates:
        return None
    mean = sum(rates.values()) / len(rates)
    going = [cell for cell in cells if cell.state not in ("done", "stopped", "failed")]
    work = sum(max(cell.target_kimg - cell.kimg, 0) * 1000 / rates.get(cell.name, mean) for cell in going)
    longest = max((cell.seconds_left or 0 for cell in going), default=0)
    return max(work / running, longest)


def lines(status: GridStatus) -> Iterator[str]:
    """A table, and a line on the whole."""
    rows = [COLUMNS, *(_row(cell) for cell in status.cells)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
    yield from (f"{cell.name}: {cell.reason}" for cell in status.cells if cell.reason)
    yield summary(status)


def as_html(status: GridStatus) -> str:
    """The table for a notebook, with the newest samples of each cell."""
    columns = (*COLUMNS, "samples")
    rows = [(*_row(cell), _samples(GridFolder(Path(status.folder)), cell.name)) for cell in status.cells]
    return display.table(f"Grid {status.folder}: {summary(status)}", columns, rows)


def _samples(folder: GridFolder, name: str) -> str:
    found = sorted(folder.run(name).samples.glob("fakes-*.png"))
    return display.picture(found[-1], THUMBNAIL) if found else ""


def summary(status: GridStatus) -> str:
    """`9 cells: 3 done, 2 running, 4 waiting; about 0:52:10 left`."""
    counts = ", ".join(f"{count} {state}" for state, count in status.counts.items())
    left = "" if status.seconds_left is None else f"; about {clock(status.seconds_left)} left"
    return f"{len(status.cells)} cells: {counts}{left}"


def _row(cell: CellStatus) -> tuple[str, ...]:
    return (
        cell.name,
        cell.state,
        f"{cell.kimg:.4g}/{cell.target_kimg:g}",
        f"{cell.images_per_s:.1f}" if cell.images_per_s else "",
        clock(cell.seconds_left) if cell.seconds_left is not None else "",
        ", ".join(f"{name} {value:.4g}" for name, value in cell.scores.items()),
    )


def clock(seconds: float) -> str:
    """Hours, minutes and seconds, `0:05:09`."""
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
