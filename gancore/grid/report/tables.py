"""Tables in the form of a paper: generators in rows, discriminators in columns, one table for each label of the others.

A table holds text and its meaning; Markdown and HTML only format it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gancore.grid.report.arms import Arm, arms_of, at
from gancore.grid.report.results import SNAPSHOTS, Comparison, Results, Snapshot
from gancore.grid.report.statistics import LEVEL
from gancore.grid.report.terms import groups, word


@dataclass(frozen=True)
class Number:
    """One score of an arm: mean and spread over n of its seeds, as text. `tied`: no different from the best.

    at: the kimg where cells of the table differ in them, else empty; of an arm that does, `text` has each value.
    """

    text: str
    spread: str | None
    n: int
    of: int
    best: bool
    tied: bool
    at: str


@dataclass(frozen=True)
class Entry:
    """One cell of a table. Without numbers, `state` is the reason; `on_the_way`: some of its runs are not done.

    published: the numbers of the paper in the order of the scores, "–" for a missing one; None without any.
    """

    labels: Mapping[str, str]
    numbers: tuple[Number | None, ...]
    state: str
    on_the_way: bool
    published: str | None

    @property
    def counts(self) -> tuple[str, ...]:
        """`n=2` behind each number whose seeds are not all done; behind the last one where all have as many."""
        told = tuple(f"n={number.n}" if number and number.n < number.of else "" for number in self.numbers)
        return (*("" for _ in told[1:]), *told[-1:]) if len(set(told)) == 1 else told


@dataclass(frozen=True)
class Table:
    """rows: labels, each with an entry for each column; None where a rule excludes the cells."""

    snapshot: Snapshot
    scores: tuple[str, ...]
    title: str
    where: str
    corner: str
    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Entry | None]]]
    comparisons: Sequence[Comparison]
    """For each score, its arms against the best."""

    @property
    def tested(self) -> bool:
        return any(comparison.tested for comparison in self.comparisons)

    def entries(self) -> list[Entry]:
        return [entry for _, row in self.rows for entry in row if entry]


def tables_of(results: Results) -> list[Table]:
    """All tables: by the scores that share one, then by the labels of further axes, then by snapshot."""
    arms = arms_of(results.axes, results.cells)
    return [
        _table(results, scores, snapshot, where, at(where, arms))
        for scores in groups(results.scores)
        for where in results.layout.places()
        for snapshot in snapshots_of(results)
        if snapshot == "final" or _measured(results, scores, snapshot)
    ]


def _measured(results: Results, scores: Sequence[str], snapshot: Snapshot) -> bool:
    """Whether any cell has one of the scores in a snapshot: analyses are of the final one only."""
    return any(score in cell.snapshot(snapshot) for cell in results.cells for score in scores)


def snapshots_of(results: Results) -> list[Snapshot]:
    """Final and best one; only the final one if every cell was evaluated once, so that they are the same."""
    several = any(len(cell.history) > 1 for cell in results.cells)
    return list(SNAPSHOTS) if several else ["final"]


def snapshot_title(results: Results, snapshot: Snapshot) -> str:
    """The best snapshot is named after its score: `lowest-FID snapshot`."""
    if snapshot == "final":
        return "final snapshot"
    first = results.scores[0]
    higher = any(first in cell.best and cell.best[first].higher_is_better for cell in results.cells)
    return f"{'highest' if higher else 'lowest'}-{word(first)} snapshot"


def _table(
    results: Results, scores: tuple[str, ...], snapshot: Snapshot, where: Mapping[str, str], arms: Sequence[Arm]
) -> Table:
    layout = results.layout
    row_axis, column_axis = layout.table_axes
    by_labels = {frozenset(arm.labels.items()): arm for arm in arms}
    comparisons = [results.comparison(score, snapshot, where) for score in scores]
    entries = _Entries(results, scores, snapshot, comparisons)

    def entry(row: str, column: str) -> Entry | None:
        labels = {axis: label for axis, label in ((row_axis, row), (column_axis, column)) if axis}
        arm = by_labels.get(frozenset({**labels, **where}.items()))
        return entries.of(arm) if arm else None

    title = " / ".join(map(word, scores))
    columns = layout.labels_of(column_axis)
    return Table(
        snapshot=snapshot,
        scores=scores,
        title=f"{title}, {snapshot_title(results, snapshot)}",
        where=layout.title_of(where),
        corner=layout.corner,
        columns=[column or title for column in columns],
        rows=[(row, [entry(row, column) for column in columns]) for row in layout.labels_of(row_axis)],
        comparisons=comparisons,
    )


@dataclass(frozen=True)
class _Entries:
    """Makes the entries of one table."""

    results: Results
    scores: tuple[str, ...]
    snapshot: Snapshot
    comparisons: Sequence[Comparison]

    def of(self, arm: Arm) -> Entry:
        measured = {cell.name: cell for score in self.scores for cell in arm.measured(score, self.snapshot)}
        return Entry(
            labels=arm.labels,
            numbers=tuple(self._number(arm, comparison) for comparison in self.comparisons) if measured else (),
            state=", ".join(dict.fromkeys(cell.state for cell in arm.cells if cell.name not in measured)),
            on_the_way=any(cell.state != "done" for cell in measured.values()),
            published=self._published(arm),
        )

    def _number(self, arm: Arm, comparison: Comparison) -> Number | None:
        standing = comparison.standing(arm.labels)
        if standing is None:
            return None
        places = self.results.decimals[comparison.score]
        ranked = comparison.ranked
        values = arm.values(comparison.score, self.snapshot) if standing.mean is None else [standing.mean]
        told = dict.fromkeys(f"{kimg:g}" for kimg in standing.kimg)
        return Number(
            text=", ".join(f"{value:.{places}f}" for value in values),
            spread=None if standing.spread is None else f"{standing.spread:.{places}f}",
            n=standing.n,
            of=len(arm.cells),
            best=ranked and standing.verdict == "best",
            tied=ranked and standing.verdict == "not told apart",
            at=f"{', '.join(told)} kimg" if comparison.unequal or standing.mean is None else "",
        )

    def _published(self, arm: Arm) -> str | None:
        published = self.results.published
        if published is None or published.snapshot != self.snapshot:
            return None
        numbers = [published.beside(cell.name) for cell in arm.cells]
        found = [next((n[score] for n in numbers if score in n), None) for score in self.scores]
        return " / ".join("–" if n is None else f"{n:g}" for n in found) if any(n is not None for n in found) else None


def legend(tables: Sequence[Table]) -> Iterator[str]:
    """The meanings of the marks that occur in these tables."""
    numbers = [number for table in tables for entry in table.entries() for number in entry.numbers if number]
    if any(number.spread for number in numbers):
        yield "Mean ± standard deviation over seeds."
    if any(number.best for number in numbers):
        yield "Bold: the best mean of its table."
    if any(number.tied for number in numbers):
        yield (
            f"≈: cannot be told apart from the best (Welch's t-test of each arm against it, Holm's correction within "
            f"the table, {LEVEL:.0%}; the best was picked by the same numbers, so false claims may be twice as many)."
        )
    if any(number.at for number in numbers):
        yield "‡: of cells that were trained for unequal lengths; they are neither averaged nor compared with others."
    if any(number.n < number.of for number in numbers):
        yield "n: seeds that are done, where these are not all."
    if any(entry.on_the_way for table in tables for entry in table.entries()):
        yield "†: not finished; the snapshot is that of the last evaluation so far, and takes no part in the ranking."
