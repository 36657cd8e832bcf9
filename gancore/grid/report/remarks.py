"""Remarks before the numbers: progress, limits, published numbers."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gancore.config.yaml.document import find
from gancore.grid.report.results import CellResult, Results
from gancore.grid.report.statistics import FEWEST
from gancore.grid.state import STATES
from gancore.names import some


@dataclass(frozen=True)
class Remark:
    """A few sentences; with a `title` if they are a warning."""

    title: str
    text: str


@dataclass(frozen=True)
class PublishedRemarks:
    """The remark on the published table that a grid repeats."""

    text: str
    why_not: Sequence[str]
    differences: Sequence[str]


def remarks(results: Results) -> Iterator[Remark]:
    """Progress first, then warnings: too short, a slow average, unequal lengths, no scores, few seeds."""
    cells = results.cells
    yield Remark("", f"{len(cells)} cells: {counts(results)}; seeds {', '.join(map(str, results.seeds))}.")
    if results.too_short_to_rank:
        yield Remark(
            "Too short to rank",
            f"A cell counts from {results.enough_kimg:g} kimg on, and here {_longest(cells)}: the order of these "
            "numbers says nothing about the order of the architectures.",
        )
    if slow := [cell.name for cell in cells if _averages_too_slowly(results, cell)]:
        yield Remark(
            "Slow average",
            f"training.ema.halflife_kimg exceeds the training of {some(slow)}: half or more of what such a cell's "
            "averaged generator, which is scored and sampled, consists of is from before the training.",
        )
    if any(one.unequal for one in results.comparisons):
        yield Remark(
            "Unequal lengths",
            "Finished cells of one table were trained for unequal lengths, marked ‡: they are "
            "neither averaged nor ranked. Train the shorter ones further, with the same training.kimg for all.",
        )
    if not results.scores:
        yield Remark("No scores yet", "No cell has been evaluated.")
    elif len(results.seeds) < FEWEST:
        yield Remark(
            "",
            f"Fewer than {_count(FEWEST)} seeds: no claim is made about which differences would be seen again.",
        )


def counts(results: Results) -> str:
    """`7 done, 1 running, 1 failed`."""
    states = Counter(cell.state for cell in results.cells)
    return ", ".join(f"{states[state]} {state}" for state in STATES if states[state])


def published_remarks(results: Results) -> PublishedRemarks | None:
    """None if the grid names no published table."""
    published = results.published
    if published is None:
        return None
    title = f"{published.table} of {published.paper}" if published.paper else published.table
    beside = len(published.cells)
    if beside:
        where = f"in {beside} of {len(results.cells)} cells"
        text = f"{title} ({published.remark}) is shown beside the measured numbers, {where}."
        why = "Not beside all of them, because:" if published.why_not else ""
    else:
        text = f"This grid repeats {title}. The published numbers are not shown beside the measured ones, because:"
        why = ""
    return PublishedRemarks(f"{text} {why}".strip(), published.why_not, published.differences)


def _averages_too_slowly(results: Results, cell: CellResult) -> bool:
    """Whether the half-life of the average is a number, and longer than the training of the cell."""
    average = ("training", "ema")
    halflife, rampup = (
        find(results.experiments.get(cell.name), (*average, key)) for key in ("halflife_kimg", "rampup")
    )
    return isinstance(halflife, int | float) and not rampup and halflife > cell.target_kimg


def _longest(cells: Sequence[CellResult]) -> str:
    shortest, longest = (choose(cell.kimg for cell in cells) for choose in (min, max))
    return f"all have {longest:g}" if shortest == longest else f"they have {shortest:g} to {longest:g}"


def _count(number: int) -> str:
    return {3: "three"}.get(number, str(number))
