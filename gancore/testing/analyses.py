"""Analyses on a small generator with a discriminator, checkpoints and real images beside it."""

import math
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from gancore.analysis.figures import write_figure
from gancore.contracts import Result, Value
from gancore.testing.finding import Finding, holds
from gancore.testing.model import small_subject
from gancore.testing.subject import Subject


def an_analysis_says_how_its_numbers_come_about(subject: Subject) -> Iterator[Finding]:
    protocol = subject.made().protocol
    why = "reports show it beside the numbers, for comparisons"
    yield holds(bool(protocol) and "\n" not in protocol, "protocol", "one line", repr(protocol), why)
    count = subject.plugin.count
    yield holds(isinstance(count, int) and count >= 1, "count", "a number of samples", repr(count))


def an_analysis_repeats(subject: Subject) -> Iterator[Finding]:
    """Numbers are finite, the same for the same seed, and figures can be drawn."""
    analysis, model = subject.made(), small_subject()
    if reasons := [*_unmet(analysis.requires, model.provided), *analysis.misfits(model)]:
        yield Finding("analyze", f"not run on the small model: {'; '.join(reasons)}", skipped=True)
        return
    first, again = analyzed(analysis), analyzed(analysis)
    if not (isinstance(first, Result) and isinstance(again, Result) and first.numbers):
        yield Finding("analyze", "a Result with numbers by name", "none", "there is nothing to report")
        return
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


def an_analysis_leaves_the_model_as_it_is(subject: Subject) -> Iterator[Finding]:
    """Weights, modes and hooks of the networks."""
    analysis, model = subject.made(), small_subject()
    if analyzed(analysis, model) is None:
        return
    plain = small_subject()
    why = "other analyses look at the same model"
    networks = [("generator", model.generator, plain.generator)]
    for name, seen, untouched in networks:
        weights = untouched.state_dict()
        changed = [key for key, value in seen.state_dict().items() if not value.equal(weights[key])]
        yield holds(not changed, name, "weights as they were", f"another {', '.join(changed[:3])}", why)
        yield holds(not seen.training, name, "evaluation mode", "training mode", why)
        hooks = [type(m).__name__ for m in seen.modules() if m._forward_hooks or m._forward_pre_hooks]
        yield holds(not hooks, name, "no hooks left behind", f"some on {', '.join(hooks[:3])}", why)


def analyzed(analysis: Any, model: Any = None) -> Result | None:
    """The result for the small model; None if the analysis does not suit it."""
    model = model or small_subject()
    if [*_unmet(analysis.requires, model.provided), *analysis.misfits(model)]:
        return None
    with torch.no_grad():
        found: Result = analysis.analyze(model)
    return found


def _unmet(requires: Any, provided: Any) -> list[str]:
    return [word for word in requires if word.partition(":")[2] not in provided.get(word.partition(":")[0], ())]
