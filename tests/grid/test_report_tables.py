"""The tables of a report: what stands where, what is bold, and what is not."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from support.made_up_grids import NINE, D, G, cell, made_up

from gancore.grid.report.arms import are_alike
from gancore.grid.report.collect import results_of
from gancore.grid.report.markdown import as_markdown
from gancore.grid.report.neighbours import neighbours_of
from gancore.grid.report.spreadsheet import as_csv
from gancore.grid.report.terms import decimals, groups

SEEDS = {**NINE, "seeds": [0, 1, 2]}


def report(path: Path, grid: dict[str, Any], cells: dict[str, Any]) -> str:
    return as_markdown(results_of(made_up(path, grid, cells)))


def done(*fid: float) -> dict[str, Any]:
    return {"state": "done", "at": 10, "fid": list(fid)}


def test_the_table_has_g_in_rows_and_d_in_columns(tmp_path: Path) -> None:
    scores = {cell(g, d): done(10 * i + j)
              for i, g in enumerate(NINE["axes"][G]) for j, d in enumerate(NINE["axes"][D], 1)}  # fmt: skip
    del scores[cell("skip", "skip")]
    scores[cell("skip", "residual")] = {"state": "failed", "reason": "not finite"}
    text = report(tmp_path, {**NINE, "exclude": [{G: "residual", D: "original"}]}, scores)
    assert "| generator \\\\ discriminator | original | skip | residual |" in text
    assert "| original | **1.00** | 2.00 | 3.00 |" in text
    assert "| skip | 11.00 | waiting | failed |" in text
    assert "| residual |  | 22.00 | 23.00 |" in text
    assert "no claim is made" in text


def test_generators_are_in_rows_and_discriminators_in_columns_wherever_their_axes_stand(tmp_path: Path) -> None:
    axes = {D: ["skip", "residual"], "generator.normalization": ["demod", "pin"], G: ["original", "skip"]}
    name = "discriminator=residual_normalization=pin_generator=skip"
    text = report(tmp_path, {"axes": axes, "enough_kimg": 0}, {name: done(3)})
    pin = text[text.index("### normalization pin") :]
    assert "| generator \\\\ discriminator | skip | residual |" in pin
    assert "| skip | waiting | 3.00 |" in pin


def test_cells_that_are_too_short_are_not_ranked(tmp_path: Path) -> None:
    scores = {cell("skip", d): done(i) for i, d in enumerate(("skip", "residual"), 1)}
    text = report(tmp_path, {**NINE, "enough_kimg": 11}, scores)
    assert "**Too short to rank.**" in text
    assert "**1.00**" not in text
    assert "1.00" in text


def test_a_cell_that_has_failed_does_not_keep_the_others_from_being_ranked(tmp_path: Path) -> None:
    grid = {"axes": {G: ["skip", "original", "residual"]}, "enough_kimg": 10}
    cells = {"generator=skip": done(2), "generator=original": done(3), "generator=residual": {"state": "failed"}}
    text = report(tmp_path, grid, cells)
    assert "Too short" not in text
    assert "| skip | **2.00** |" in text


def test_the_best_snapshot_has_a_table_of_its_own_and_all_its_scores_are_of_one_snapshot(tmp_path: Path) -> None:
    snapshots = [{"fid": 5, "ppl2_wend": 100}, {"fid": 3, "ppl2_wend": 300}, {"fid": 4, "ppl2_wend": 200}]
    grid = {"axes": {G: ["skip"]}, "enough_kimg": 0}
    folder = made_up(tmp_path, grid, {"generator=skip": {"state": "done", "at": 10, "scores": snapshots}})
    results = results_of(folder)
    best = results.cells[0].best
    assert {name: (score.value, score.kimg) for name, score in best.items()} == {
        "fid": (3, 1),
        "ppl2_wend": (300, 1),
    }
    text = as_markdown(results)
    final, lowest = text.index("## FID / path length, final snapshot"), text.index("lowest-FID snapshot")
    assert "| skip | 4.00 / 200.0 |" in text[final:lowest]
    assert "| skip | 3.00 / 300.0 |" in text[lowest:]


def test_more_is_better_where_a_score_says_so(tmp_path: Path) -> None:
    grid = {"axes": {G: ["skip", "original"]}, "enough_kimg": 0}
    cells = {
        f"generator={g}": {
            "state": "done",
            "at": 10,
            "scores": [{"recall": {"value": v, "higher_is_better": True}} for v in values],
        }
        for g, values in {"skip": (0.5, 0.25), "original": (0.3, 0.4)}.items()
    }
    text = report(tmp_path, grid, cells)
    final, highest = text.index("recall, final snapshot"), text.index("highest-recall snapshot")
    assert "| original | **0.400** |" in text[final:highest]
    assert "| skip | **0.500** |" in text[highest:]


def test_mean_and_spread_over_seeds_for_each_value_of_other_axes(tmp_path: Path) -> None:
    axes = {"loss.use": ["hinge", "wasserstein"], G: ["skip"], "generator.normalization": ["demod", "pin"]}
    names = [f"loss=hinge_generator=skip_normalization=pin_seed={seed}" for seed in (0, 1)]
    scores = {name: done(value) for name, value in zip(names, (1, 3), strict=True)}
    text = report(tmp_path, {"axes": axes, "seeds": [0, 1], "enough_kimg": 0}, scores)
    assert text.index("### normalization demod") < text.index("### normalization pin")
    assert "| hinge | 2.00 ± 1.41 |" in text


def test_a_cell_that_is_not_done_takes_no_part_in_the_ranking(tmp_path: Path) -> None:
    cells = {
        cell("skip", "skip"): {"state": "interrupted", "at": 5, "fid": [1]},
        cell("skip", "residual"): done(2),
        cell("skip", "original"): done(3),
    }
    text = report(tmp_path, NINE, cells)
    assert "| skip | 3.00 | 1.00 † | **2.00** |" in text
    assert "†: not finished" in text


def test_arms_that_cannot_be_told_apart_are_marked(tmp_path: Path) -> None:
    values = {"original": (10.0, 10.1, 9.9), "skip": (10.1, 10.2, 9.8), "residual": (20.0, 20.1, 19.9)}
    cells = {cell("skip", d, seed): done(fid) for d, seeds in values.items() for seed, fid in enumerate(seeds)}
    text = report(tmp_path, SEEDS, cells)
    assert "| skip | **10.00 ± 0.10** | 10.03 ± 0.21 ≈ | 20.00 ± 0.10 |" in text
    assert "1 arm is worse than the best mean, 1 arm is not distinguishable from it" in text


def test_cells_of_unequal_lengths_are_neither_averaged_nor_compared(tmp_path: Path) -> None:
    cells = {cell("skip", d, seed): done(30, 20) for d in NINE["axes"][D] for seed in range(3)}
    cells[cell("skip", "skip", 1)] = done(30, 20, 10)  # trained further by hand
    text = report(tmp_path, SEEDS, cells)
    final = next(line for line in text.splitlines() if line.startswith("| skip |"))
    assert final == ("| skip | 20.00 ± 0.00 ‡ 1 kimg | 20.00, 10.00, 20.00 ‡ 1, 2 kimg | 20.00 ± 0.00 ‡ 1 kimg |")
    assert "No claim is made: cells of this table were last evaluated at 1 to 2 kimg." in text
    assert "**Unequal lengths.**" in text
    assert "**20" not in text
    assert "≈" not in text


def test_a_last_batch_more_is_no_other_length() -> None:
    assert are_alike([1000.0, 1000.064])
    assert not are_alike([0.6, 2.6])
    assert are_alike([])


def test_nothing_is_claimed_of_two_seeds(tmp_path: Path) -> None:
    values = {"original": (10.0, 10.1), "residual": (20.0, 20.1)}
    cells = {cell("skip", d, seed): done(fid) for d, seeds in values.items() for seed, fid in enumerate(seeds)}
    text = report(tmp_path, {**NINE, "seeds": [0, 1]}, cells)
    assert "No claim is made" in text
    assert "≈" not in text
    assert "worse" not in text


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        (["fid"], [("fid",)]),
        (["fid", "ppl2_wend"], [("fid", "ppl2_wend")]),
        (["fid", "ppl2_wend[embedded]"], [("fid", "ppl2_wend[embedded]")]),
        (["fid", "fid[embedded]"], [("fid",), ("fid[embedded]",)]),
        (["fid", "fid[embedded]", "ppl2_wend[embedded]"], [("fid",), ("fid[embedded]", "ppl2_wend[embedded]")]),
        (
            ["fid[embedded]", "precision", "recall", "ppl2_wend", "ppl2_wend[embedded]", "mine"],
            [("fid[embedded]", "ppl2_wend[embedded]"), ("precision", "recall"), ("ppl2_wend",), ("mine",)],
        ),
    ],
)
def test_what_papers_print_together_shares_a_cell(scores: list[str], expected: list[tuple[str, ...]]) -> None:
    assert groups(scores) == expected


@pytest.mark.parametrize(
    ("values", "count"),
    [([2.84, 400], 2), ([12.3], 2), ([145], 1), ([1484.5], 0), ([0.492], 3), ([0.00123], 5), ([], 2)],
)
def test_decimals_follow_the_smallest_value(values: list[float], count: int) -> None:
    assert decimals(values) == count


@pytest.mark.parametrize("text", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "a\r=1", "\n=1"])
def test_text_that_a_spreadsheet_would_compute_is_inert(tmp_path: Path, text: str) -> None:
    """Wherever it comes from: a plugin's message, the names of scores and of networks."""
    about = {"reason": text, "state": "failed", "at": 1, "scores": [{text: 3.0}], "parameters": {text: 5}}
    folder = made_up(tmp_path, {"seeds": [0]}, {"seed=0": about})
    results = results_of(folder)
    head, row = csv.reader(io.StringIO(as_csv(results), newline=""))
    assert row[head.index("reason")].strip("'\n") == text.replace("\r", "\n").strip("\n")
    assert all(cell[:1] not in ("=", "+", "-", "@", "\t", "\r", "\n") for cell in (*head, *row))
    assert results.to_dict()["cells"][0]["reason"] == text  # JSON has it as it is


def test_neighbours_differ_on_one_axis_and_have_the_same_seed(tmp_path: Path) -> None:
    grid = {"axes": {**NINE["axes"], "regularizers.r1.gamma": [1, 2]}, "seeds": [0, 1], "enough_kimg": 0}
    cells = results_of(made_up(tmp_path / "grid", grid, {})).cells
    found = neighbours_of(cells)
    for one in cells:
        every = [(other, [axis for axis, label in one.axes.items() if other.axes[axis] != label]) for other in cells]
        beside = [(axes[0], other) for other, axes in every if len(axes) == 1 and other.seed == one.seed]
        assert found[one.name] == beside
        assert len(beside) == 5
