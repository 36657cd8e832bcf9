"""Reads log.jsonl while a run trains: its progress and its speed."""

import statistics
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, TypeAdapter

from gancore.artifacts.reading import Lines, read_lines
from gancore.artifacts.run import RunFolder

RECENT = 10
"""The present speed of a run is the median of this many log lines."""


class LogLine(BaseModel):
    """One log tick. Losses and other scalars are further fields."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True, allow_inf_nan=False)

    step: int
    kimg: float
    images_per_s: float | None = None


def read(run: RunFolder, last: int | None = None) -> Lines[LogLine]:
    """The ticks of a run in order, or the last ones; none if there is no file."""
    return read_lines(run.log, _LINES, "log line", last)


def speed(ticks: Sequence[LogLine], recent: int | None = RECENT) -> float | None:
    """Median images/s of the last log lines (None: of all); the first after a start includes warming up."""
    rates = [line.images_per_s for line in ticks if line.images_per_s]
    return statistics.median(rates[-recent:] if recent else rates) if rates else None


def kimg_reached(run: RunFolder, ticks: Sequence[LogLine]) -> float:
    """The progress of a run, kimg: that of its last log line or newest checkpoint, whichever is further."""
    return max([0.0, *(line.kimg for line in ticks[-1:]), run.saved_kimg()])


_LINES = TypeAdapter(LogLine)
