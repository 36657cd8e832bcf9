"""Arms: cells that differ in their seed alone; what they have together, and which can be told from the best.

Nothing is claimed of an arm with fewer than three seeds, of one whose cells are not done, or in a table whose cells
were trained for unequal lengths; such cells of one arm are not even averaged.
"""

import itertools
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from gancore.grid.report.layout import places
from gancore.grid.report.statistics import FEWEST, LEVEL, holm, welch
from gancore.grid.scores import better

Snapshot = Literal["final", "best"]
Verdict = Literal["best", "worse", "not told apart", "no claim"]

SNAPSHOTS: dict[Snapshot, str] = {"final": "final snapshot", "best": "best snapshot"}


ALIKE = 1.02
"""Lengths in kimg that differ by a smaller factor are equal: runs end with a whole batch."""


@dataclass(frozen=True)
class Arm:
    """One combination of the axes' labels with the cells that have it, one for each seed."""

    labels: Mapping[str, str]
    cells: Sequence[Mapping[str, Any]]

    def measured(self, score: str, snapshot: Snapshot) -> list[Mapping[str, Any]]:
        """Its cells that have this score: those that are done, and only where there are none, those on the way."""
        having = [cell for cell in self.cells if score in cell[snapshot]]
        return [cell for cell in having if cell["state"] == "done"] or having

    def values(self, score: str, snapshot: Snapshot) -> list[float]:
        return [cell[snapshot][score]["value"] for cell in self.measured(score, snapshot)]

    def lengths(self, score: str, snapshot: Snapshot) -> list[float]:
        """How far what was measured had been trained at its last evaluation, kimg."""
        return [cell["final"].get(score, cell[snapshot][score])["kimg"] for cell in self.measured(score, snapshot)]

    def done(self, score: str, snapshot: Snapshot) -> bool:
        """Whether what was measured is of cells that are done: a snapshot on the way is no result."""
        return all(cell["state"] == "done" for cell in self.measured(score, snapshot))


@dataclass
class Standing:
    """Where an arm stands: mean and standard deviation (n - 1) over n seeds, and its test against the best.

    kimg: how far each seed was trained; there is no mean over unequal lengths.
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
    """The arms of one table. `ranked` says whether its best is called so; `words` what may be claimed, and why not.

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


def arms_of(results: Mapping[str, Any], where: Mapping[str, str]) -> list[Arm]:
    """The arms with the given labels, in the order of the axes; those that a rule excludes are not among them."""
    axes: Mapping[str, Sequence[str]] = {**results["axes"], **{axis: [label] for axis, label in where.items()}}
    arms = []
    for labels in itertools.product(*axes.values()):
        at = dict(zip(axes, labels, strict=True))
        if cells := [cell for cell in results["cells"] if cell["axes"] == at]:
            arms.append(Arm(at, cells))
    return arms


def comparisons_of(results: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A comparison for each score, snapshot and table, as plain data."""
    return [
        asdict(compare(results, score, snapshot, where))
        for score in results["scores"]
        for snapshot in SNAPSHOTS
        for where in places(results)
    ]


def compare(results: Mapping[str, Any], score: str, snapshot: Snapshot, where: Mapping[str, str]) -> Comparison:
    """The arms of a table against the best of them, by Welch's test with Holm's correction."""
    arms = [arm for arm in arms_of(results, where) if arm.measured(score, snapshot)]
    standings = {id(arm): _standing(arm, score, snapshot) for arm in arms}
    whole = [arm for arm in arms if arm.done(score, snapshot)]
    found = Comparison(score, snapshot, where, not results["too_short_to_rank"] and len(whole) > 1)
    found.arms = list(standings.values())
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
    _test(best, enough, score, snapshot, standings)
    found.words = _words(found)
    return found


def _standing(arm: Arm, score: str, snapshot: Snapshot) -> Standing:
    values, lengths = arm.values(score, snapshot), arm.lengths(score, snapshot)
    if not are_alike(lengths):
        return Standing(arm.labels, len(values), None, None, lengths)
    spread = statistics.stdev(values) if len(values) > 1 else None
    return Standing(arm.labels, len(values), statistics.fmean(values), spread, lengths)


def are_alike(lengths: Sequence[float]) -> bool:
    """Whether lengths of training, kimg, are equal but for the last batch."""
    return max(lengths, default=0) <= min(lengths, default=0) * ALIKE


def _best(arms: Sequence[Arm], score: str, snapshot: Snapshot) -> Arm:
    def mean(arm: Arm) -> dict[str, Any]:
        return {**arm.measured(score, snapshot)[0][snapshot][score], "value": _mean(arm, score, snapshot)}

    winner = arms[0]
    for arm in arms[1:]:
        if better(mean(arm), mean(winner)):
            winner = arm
    return winner


def _mean(arm: Arm, score: str, snapshot: Snapshot) -> float:
    return statistics.fmean(arm.values(score, snapshot))


def _test(best: Arm, others: Sequence[Arm], score: str, snapshot: Snapshot, standings: Mapping[int, Standing]) -> None:
    """Writes the tests of `others` against the best into their standings."""
    tests = [(standings[id(arm)], welch(arm.values(score, snapshot), best.values(score, snapshot))) for arm in others]
    done = [(standing, test) for standing, test in tests if test is not None]
    for (standing, test), p_holm in zip(done, holm([test.p for _, test in done]), strict=True):
        standing.t, standing.df, standing.p, standing.p_holm = test.t, test.df, test.p, p_holm
        standing.verdict = "worse" if p_holm < LEVEL else "not told apart"


def _words(comparison: Comparison) -> str:
    counts = Counter(arm.verdict for arm in comparison.arms)
    words = f"{_arms(counts['worse'])} worse than the best mean, {_arms(counts['not told apart'])} not to be told apart"
    silent = counts["no claim"]
    return f"{words}{f'; of {silent} more nothing is claimed' if silent else ''}."


def _arms(count: int) -> str:
    return "1 arm is" if count == 1 else f"{count or 'no'} arms are"
