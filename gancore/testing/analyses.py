"""Analyses on a small generator with a discriminator, checkpoints and real images beside it."""

import math
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch

from gancore.analysis.figures import write_figure
from gancore.contracts import Result, Value
from gancore.testing.family import check
from gancore.testing.finding import Finding, holds
from gancore.testing.model import small_subject
from gancore.testing.subject import Subject


@check("analysis")
def an_analysis_says_how_its_numbers_come_about(subject: Subject) -> Iterator[Finding]:
    protocol = subject.made().protocol
    why = "reports show it beside the numbers, for comparisons"
    yield holds(bool(protocol) and "\n" not in protocol, "protocol", "one line", repr(protocol), why)


@check("analysis")
def an_analysis_repeats(subject: Subject) -> Iterator[Finding]:
    """Numbers are finite, the same for the same seed, and figures can be drawn."""
    analysis, model = subject.made(), small_subject()
    if reasons := [*_unmet(analysis.requires, model.provided), *analysis.misfits(model)]:
        yield Finding("analyze", f"not run on the small model: {'; '.join(reasons)}", skipped=True)
        return
    with torch.no_grad():
        first, again = (analysis.analyze(small_subject()) for _ in range(2))
    yield holds(isinstance(first, Result) and bool(first.numbers), "analyze", "numbers by name", "none")
    unsound = {k: v for k, v in first.numbers.items() if not (isinstance(v, Value) and math.isfinite(v.value))}
    yield holds(not unsound, "numbers", "finite Values", repr(unsound), "nothing could be compared with them")
    same = first.numbers == again.numbers
    yield holds(same, "analyze", "the same numbers for the same seed", f"{first.numbers}, then {again.numbers}")
    headlines = {name for name in first.numbers if "/" not in name}
    unknown = sorted(set(analysis.directions) - headlines)
    yield holds(not unknown, "directions", f"some of {', '.join(sorted(headlines))}", ", ".join(unknown))
    with tempfile.TemporaryDirectory() as folder:
        for figure in first.figures:
            write_figure(Path(folder), figure.name, figure)
    names = [figure.name for figure in first.figures]
    yield holds(len(set(names)) == len(names), "figures", "different names, and all are drawn", ", ".join(names))


def _unmet(requires: object, provided: object) -> list[str]:
    assert isinstance(requires, dict)
    assert isinstance(provided, dict)
    return [word for word in requires if word.partition(":")[2] not in provided.get(word.partition(":")[0], ())]
