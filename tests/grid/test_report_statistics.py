"""The statistics of reports: against SciPy, closed forms, and data in which a difference was planted."""

import random
from pathlib import Path
from statistics import fmean

import pytest
from scipy import special, stats
from support.made_up_grids import NINE, cell, made_up

from gancore.grid.report.collect import results_of
from gancore.grid.report.statistics import LEVEL, holm, incomplete_beta, student_p, welch

APART = {"worse", "best"}


@pytest.mark.parametrize("df", [1, 2, 2.5, 4, 30, 1e4])
@pytest.mark.parametrize("t", [0, 1e-9, 0.3, -2, 10, 37])
def test_student_equals_scipy(t: float, df: float) -> None:
    assert student_p(t, df) == pytest.approx(2 * stats.t.sf(abs(t), df), rel=1e-8)


@pytest.mark.parametrize("x", [0, 1e-12, 0.1, 0.5, 0.9, 1 - 1e-9, 1])
@pytest.mark.parametrize(("a", "b"), [(0.5, 0.5), (1, 1), (2, 3), (50, 0.5), (5000, 0.5)])
def test_the_incomplete_beta_function_equals_scipys(x: float, a: float, b: float) -> None:
    assert incomplete_beta(x, a, b) == pytest.approx(special.betainc(a, b, x), rel=1e-9, abs=1e-300)


def test_welch_has_its_closed_form_where_both_samples_are_alike() -> None:
    """Equal variances s^2 and sizes n: t = d / (s sqrt(2/n)) with 2(n - 1) degrees of freedom, as Student's."""
    test = welch([1, 2, 3], [3, 4, 5])
    assert test is not None
    assert (test.t, test.df) == pytest.approx((-2 / (2 / 3) ** 0.5, 4))


def test_welch_equals_scipy() -> None:
    rng = random.Random(0)
    for _ in range(20):
        a = [rng.gauss(3, 0.1) for _ in range(rng.randint(2, 6))]
        b = [rng.gauss(3.2, 2.0) for _ in range(rng.randint(2, 6))]
        test, expected = welch(a, b), stats.ttest_ind(a, b, equal_var=False)
        assert test is not None
        assert (test.t, test.df, test.p) == pytest.approx((expected.statistic, expected.df, expected.pvalue), rel=1e-9)


def test_nothing_is_known_of_chance_where_nothing_varies() -> None:
    assert welch([1, 1, 1], [2, 2, 2]) is None
    assert welch([1e-200, 2e-200], [1e-200, 3e-200]) is None  # squares that are 0 in double precision


def test_holms_correction_on_paper() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.6]) == [1.0, 1.0]
    assert holm([]) == []


def test_holm_is_right_for_all_orders() -> None:
    """What a p becomes depends on the others, not on where it stands."""
    ps = [0.001, 0.2, 0.02, 0.02, 0.8]
    expected = dict(zip(ps, holm(ps), strict=True))
    rng = random.Random(1)
    for _ in range(10):
        rng.shuffle(ps)
        assert dict(zip(ps, holm(ps), strict=True)) == expected


def test_a_planted_difference_is_found_and_noise_is_not(tmp_path: Path) -> None:
    """Nine arms of eight seeds, three of them worse by five standard deviations."""
    rng = random.Random(3)
    planted = {("original", "original"), ("skip", "residual"), ("residual", "skip")}
    cells = {
        cell(g, d, seed): {"state": "done", "at": 10, "fid": [rng.gauss(15 if (g, d) in planted else 10, 1)]}
        for g in ("original", "skip", "residual")
        for d in ("original", "skip", "residual")
        for seed in range(8)
    }
    results = results_of(made_up(tmp_path, {**NINE, "seeds": list(range(8))}, cells))
    comparison = next(one for one in results.comparisons if one.snapshot == "final")
    verdicts = {tuple(arm.labels.values()): arm.verdict for arm in comparison.arms}
    assert {at for at, verdict in verdicts.items() if verdict == "worse"} == planted
    assert sorted(verdicts.values()).count("not told apart") == 5


def false_claims(seeds: int, chosen: bool, families: int = 400) -> float:
    """Share of families of nine equal arms with some claim; against the best mean where it is chosen, or the first."""
    rng = random.Random(5)
    wrong = 0
    for _ in range(families):
        arms = [[rng.gauss(0, 1) for _ in range(seeds)] for _ in range(9)]
        best = min(arms, key=fmean) if chosen else arms[0]
        tests = [welch(arm, best) for arm in arms if arm is not best]
        wrong += min(holm([test.p for test in tests if test])) < LEVEL
    return wrong / families


def test_false_claims_are_as_rare_as_they_should_be() -> None:
    chance = 3 * (LEVEL * (1 - LEVEL) / 400) ** 0.5
    assert false_claims(seeds=3, chosen=False) < LEVEL + chance
    assert false_claims(seeds=8, chosen=False) < LEVEL + chance


def test_choosing_the_best_by_the_same_numbers_costs_what_the_report_says() -> None:
    chance = 3 * (2 * LEVEL * (1 - 2 * LEVEL) / 400) ** 0.5
    assert false_claims(seeds=3, chosen=True) < 2 * LEVEL + chance
    assert false_claims(seeds=8, chosen=True) < 2 * LEVEL + chance
