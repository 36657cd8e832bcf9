"""All data of a grid: the fields of results.json, and the source of the other forms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cached_property
from typing import Any, Literal

from gancore.artifacts.scores import RecordedScore
from gancore.grid.report.layout import Layout
from gancore.grid.report.terms import decimals
from gancore.grid.state import State

Snapshot = Literal["final", "best"]
Verdict = Literal["best", "worse", "not told apart", "no claim"]

SNAPSHOTS: tuple[Snapshot, ...] = ("final", "best")


@dataclass(frozen=True)
class HistoryEntry:
    """One evaluation: the finite values by score. Other fields of a score are in the final and best snapshots."""

    kimg: float
    scores: Mapping[str, float]


@dataclass(frozen=True)
class CellResult:
    """One cell.

    axes: axis to label; values: axis to value; both without the seed.
    kimg: the progress of its run towards `target_kimg`. images_per_s: median of all log lines.
    environment: environment.json without `threads` and `data`.
    final, best: finite scores of two snapshots by name; `final` has those of analyses, too. history: all evaluations.
    run, samples: paths below the grid folder. damage: faults of its files, one string each.
    The other fields are those of gancore.grid.state.CellState.
    """

    name: str
    identity: str | None
    axes: Mapping[str, str]
    values: Mapping[str, Any]
    seed: int
    state: State
    reason: str | None
    stderr: str | None
    exit_code: int | None
    attempts: int
    kimg: float
    target_kimg: float
    too_short_to_rank: bool
    images_per_s: float | None
    seconds: float
    parameters: Mapping[str, int] | None
    threads: int | None
    gpu: str | None
    host: str | None
    data: Mapping[str, Any] | None
    environment: Mapping[str, Any]
    final: Mapping[str, RecordedScore]
    best: Mapping[str, RecordedScore]
    history: Sequence[HistoryEntry]
    run: str
    samples: Sequence[str]
    damage: Sequence[str]

    def snapshot(self, which: Snapshot) -> Mapping[str, RecordedScore]:
        return self.final if which == "final" else self.best

    def value(self, score: str, which: Snapshot) -> float | None:
        """The value of a score in a snapshot; None if it was not measured."""
        found = self.snapshot(which).get(score)
        return found.value if found else None


@dataclass
class Standing:
    """The result of an arm: mean and standard deviation (n - 1) over n seeds, and its test against the best.

    kimg: the length of training of each seed; there is no mean over unequal lengths.
    """

    labels: Mapping[str, str]
    n: int
    mean: float | None
    spread: float | None
    kimg: Sequence[float]
    verdict: Verdict = "no claim"
    t: float | None = None
    df: float | None = None
    p: float | None = None
    p_holm: float | None = None


@dataclass
class Comparison:
    """The arms of one table. `ranked` says whether it names a best one; `words` is the claim, or why there is none.

    unequal: whether its finished cells were trained for unequal lengths.
    """

    score: str
    snapshot: Snapshot
    where: Mapping[str, str]
    ranked: bool
    unequal: bool = False
    words: str = ""
    arms: list[Standing] = field(default_factory=list)

    @property
    def tested(self) -> bool:
        return any(arm.p is not None for arm in self.arms)

    def standing(self, labels: Mapping[str, str]) -> Standing | None:
        return next((arm for arm in self.arms if arm.labels == labels), None)


@dataclass(frozen=True)
class Published:
    """A published table that the grid repeats; see gancore/grid/published.yaml.

    cells: cell to score to the comparable number. why_not: why others are not comparable.
    differences: between the training of the cells and that in the paper.
    Of a table that this version does not have, only the name is known.
    """

    paper: str | None
    table: str
    remark: str | None
    snapshot: Snapshot | None
    name: str
    cells: Mapping[str, Mapping[str, float]]
    why_not: Sequence[str]
    differences: Sequence[str]

    def beside(self, cell: str) -> Mapping[str, float]:
        """The published numbers of a cell by score."""
        return self.cells.get(cell, {})


@dataclass(frozen=True)
class Results:
    """A grid. axes: axis to labels, without the seeds. scores: names in order. too_short_to_rank: whether any cell is
    that may still count.

    Not in results.json: experiments, resolved ones by cell, as plain data; scalars, the logged values by cell and
    name, as (kimg, value).
    """

    grid: str
    name: str
    written: str
    gancore: str
    axes: Mapping[str, Sequence[str]]
    seeds: Sequence[int]
    enough_kimg: float
    too_short_to_rank: bool
    scores: Sequence[str]
    cells: Sequence[CellResult]
    comparisons: Sequence[Comparison]
    published: Published | None
    experiments: Mapping[str, Any]
    scalars: Mapping[str, Mapping[str, Sequence[tuple[float, float]]]]

    @property
    def layout(self) -> Layout:
        return Layout(self.axes)

    @cached_property
    def decimals(self) -> Mapping[str, int]:
        """The number of decimals of a score: the same in both snapshots, and in all tables."""
        values = {score: [cell.value(score, s) for cell in self.cells for s in SNAPSHOTS] for score in self.scores}
        return {score: decimals(value for value in all_of if value is not None) for score, all_of in values.items()}

    def comparison(self, score: str, snapshot: Snapshot, where: Mapping[str, str]) -> Comparison:
        """The comparison of a table's arms in one score."""
        asked = (score, snapshot, where)
        return next(one for one in self.comparisons if (one.score, one.snapshot, one.where) == asked)

    def to_dict(self) -> dict[str, Any]:
        """The contents of results.json."""
        left_out = ("experiments", "scalars")
        return {entry.name: _plain(getattr(self, entry.name)) for entry in fields(self) if entry.name not in left_out}


def _plain(value: Any) -> Any:
    if isinstance(value, RecordedScore):
        return value.to_dict()
    if is_dataclass(value):
        return {entry.name: _plain(getattr(value, entry.name)) for entry in fields(value)}
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value
