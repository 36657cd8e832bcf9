"""Every analysis on every generator of the registry, and on a run of an earlier version."""

import pytest
import torch
from support.small import diagonal, load, names, sampled
from support.subjects import FIXTURE, subject_of

from gancore.analysis.figures.write import drawn
from gancore.analysis.run import analyze_all
from gancore.contracts import Film, Value
from gancore.testing.subject import small_options

ANALYSES, GENERATORS = names("analysis"), names("generator")
CASES = [(analysis, generator) for analysis in ANALYSES for generator in GENERATORS]


@pytest.mark.parametrize(("analysis", "generator"), sampled(CASES, diagonal(ANALYSES, GENERATORS)))
def test_it_looks_at_it_or_says_why_not(analysis: str, generator: str) -> None:
    plugin = load("analysis", analysis)
    one = plugin(plugin.Config(**small_options(plugin)))
    subject = subject_of(generator)
    unmet = [
        why
        for word, why in one.requires.items()
        if word.partition(":")[2] not in subject.provided[word.partition(":")[0]]
    ]
    reasons = unmet or list(one.misfits(subject))
    assert all(len(reason) > 10 for reason in reasons)
    if reasons:
        return
    with torch.no_grad():
        result = one.analyze(subject)
    assert result.numbers
    assert all(
        isinstance(value, Value) and value.value == pytest.approx(value.value) for value in result.numbers.values()
    )
    assert set(one.directions) <= set(result.numbers)
    for figure in result.figures:
        assert isinstance(figure, Film) or figure.title in drawn(figure).svg()


@pytest.mark.slow
def test_all_of_a_run_of_an_earlier_version() -> None:
    found, refused = analyze_all(FIXTURE, count=2, features="embedded", device="cpu")
    records = list(found)
    assert {record.name.partition("[")[0] for record in records} | set(refused) == set(ANALYSES)
