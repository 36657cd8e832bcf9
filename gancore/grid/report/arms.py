"""Arms: cells that differ only in their seed; their means, and which of them differ from the best.

There are no claims for an arm with fewer than three seeds, for one whose cells are not done, or in a table whose cells
were trained for unequal lengths; such cells of one arm are not averaged.
"""

import itertools
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gancore.artifacts.scores import better
from gancore.grid.report.layout import Layout
from gancore.grid.report.results import SNAPSHOTS, CellResult, Comparison, Snapshot, Standing
from gancore.grid.report.statistics import FEWEST, LEVEL, holm, welch

ALIKE = 1.02
"""Lengths in kimg that differ by a smaller factor are equal: runs end with a whole batch."""


@dataclass(frozen=True)
class Arm:
    """One combination of the axes' labels with the cells that have it, one for each seed."""

    labels: Mapping[str, str]
    cells: Sequence[CellResult]

    def measured(self, score: str, snapshot: Snapshot) -> list[CellResult]:
        """Its cells with this score: those that are done, or if there are none, those still training."""
        having = [cell for cell in self.cells if score in cell.snapshot(snapshot)]
        return [cell for cell in having if cell.state == "done"] or having

    def values(self, score: str, snapshot: Snapshot) -> list[float]:
        return [cell.snapshot(snapshot)[score].value for cell in self.measured(score, snapshot)]

    def mean(self, score: str, snapshot: Snapshot) -> float:
        return statistics.fmean(self.values(score, snapshot))

    def lengths(self, score: str, snapshot: Snapshot) -> list[float]:
        """The kimg of the measured cells at their last evaluation."""
        return [cell.final.get(score, cell.snapshot(snapshot)[score]).kimg for cell in self.measured(score, snapshot)]

    def done(self, score: str, snapshot: Snapshot) -> bool:
        """Whether the measured cells are done: a snapshot of an unfinished run is not a result."""
        return all(cell.state == "done" for cell in self.measured(score, snapshot))


def arms_of(axes: Mapping[str, Sequence[str]], cells: Sequence[CellResult]) -> list[Arm]:
    """All arms in the order of the axes, without those that a rule excludes."""
    found: dict[tuple[str, ...], list[CellResult]] = {}
    for cell in cells:
        found.setdefault(tuple(cell.axes.values()), []).append(cell)
    return [
        Arm(dict(zip(axes, labels, strict=True)), found[labels])
        for labels in itertools.product(*axes.values())
        if labels in found
    ]


def at(where: Mapping[str, str], arms: Sequence[Arm]) -> list[Arm]:
    """The arms with the given labels."""
    return [arm for arm in arms if where.items() <= arm.labels.items()]


def comparisons_of(
    axes: Mapping[str, Sequence[str]], cells: Sequence[CellResult], scores: Sequence[str], ranked: bool
) -> list[Comparison]:
    """A comparison for each score, snapshot and table. ranked: whether cells are long enough for that."""
    arms = arms_of(axes, cells)
    return [
        compare(score, snapshot, where, at(where, arms), ranked)
        for score in scores
        for snapshot in SNAPSHOTS
        for where in Layout(axes).places()
    ]


def compare(score: str, snapshot: Snapshot, where: Mapping[str, str], arms: Sequence[Arm], ranked: bool) -> Comparison:
    """The arms of a table against the best of them, by Welch's test with Holm's correction."""
    arms = [arm for arm in arms if arm.measured(score, snapshot)]
    standings = {id(arm): _standing(arm, score, snapshot) for arm in arms}
    whole = [arm for arm in arms if arm.done(score, snapshot)]
    found = Comparison(score, snapshot, where, ranked and len(whole) > 1, arms=list(standings.values()))
    lengths = [kimg for arm in whole for kimg in arm.lengths(score, snapshot)]
    found.unequal = not are_alike(lengths)
    if found.unequal:
        found.ranked = False
        found.words = (
            f"No claim is made: cells of this table were last evaluated at {min(lengths):g} to {max(lengths):g} kimg."
        )
        return found
    if len(whole) < 2:
        found.words = "There are no two finished arms to compare."
        return found
    best = _best(whole, score, snapshot)
    standings[id(best)].verdict = "best"
    enough = [arm for arm in whole if arm is not best and standings[id(arm)].n >= FEWEST]
    if standings[id(best)].n < FEWEST or not enough:
        found.words = (
            f"No claim is made: a difference can be told from chance only with {FEWEST} seeds or more in each arm."
        )
        return found
    tests = [(standings[id(arm)], welch(arm.values(score, snapshot), best.values(score, snapshot))) for arm in enough]
    done = [(standing, test) for standing, test in tests if test is not None]
    for (standing, test), p_holm in zip(done, holm([test.p for _, test in done]), strict=True):
        standing.t, standing.df, standing.p, standing.p_holm = test.t, test.df, test.p, p_holm
        standing.verdict = "worse" if p_holm < LEVEL else "not told apart"
    found.words = _claim(found)
    return found


def are_alike(lengths: Sequence[float]) -> bool:
    """Whether lengths of training, kimg, are equal but for the last batch."""
    return max(lengths, default=0) <= min(lengths, default=0) * ALIKE


def _standing(arm: Arm, score: str, snapshot: Snapshot) -> Standing:
    values, lengths = arm.values(score, snapshot), arm.lengths(score, snapshot)
    if not are_alike(lengths):
        return Standing(arm.labels, len(values), None, None, lengths)
    spread = statistics.stdev(values) if len(values) > 1 else None
    return Standing(arm.labels, len(values), statistics.fmean(values), spread, lengths)


def _best(arms: Sequence[Arm], score: str, snapshot: Snapshot) -> Arm:
    """The arm with the best mean; the first one of equals."""
    winner = arms[0]
    for arm in arms[1:]:
        higher = arm.measured(score, snapshot)[0].snapshot(snapshot)[score].higher_is_better
        if better(arm.mean(score, snapshot), winner.mean(score, snapshot), higher):
            winner = arm
    return winner


def _claim(comparison: Comparison) -> str:
    counts = Counter(arm.verdict for arm in comparison.arms)
    worse, close = _arms(counts["worse"]), _arms(counts["not told apart"])
    text = f"{worse} worse than the best mean, {close} not distinguishable from it"
    silent = counts["no claim"]
    return f"{text}{f'; of {silent} more nothing is claimed' if silent else ''}."


def _arms(count: int) -> str:
    return "1 arm is" if count == 1 else f"{count or 'no'} arms are"
