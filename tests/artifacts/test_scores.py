"""metrics.jsonl: one way of reading it and one rule for the best, whoever asks."""

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from support.made_up_grids import made_up
from support.tiny import quick_experiment

from gancore.artifacts import RunFolder, scores
from gancore.artifacts.scores import better
from gancore.artifacts.tensors import load_tensors
from gancore.config.sections.grid import StopEarly
from gancore.grid.report.collect import results_of
from gancore.grid.status import status_of
from gancore.grid.stop_early import hopeless
from gancore.training import train

NAN, INF = math.nan, math.inf


def write(file: Path, values: Iterable[float], **fields: Any) -> Path:
    """Evaluations of fid at 1, 2, ... kimg."""
    for step, value in enumerate(values, 1):
        scores.append(file, step, float(step), [{"name": "fid", "value": value, **fields}])
    return file


@pytest.mark.parametrize(
    ("values", "best", "final"),
    [
        ([NAN, 5, 3, 4], 3, 4),  # a NaN first keeps no later one from being the best
        ([5, NAN], 5, 5),
        ([INF, 7], 7, 7),
        ([-INF, 7, 8], 7, 8),  # less is better, but this is no number
        ([3, 2, 2, 9], 2, 9),
    ],
)
def test_the_best_is_finite_wherever_it_is_asked_for(
    tmp_path: Path, values: list[float], best: float, final: float
) -> None:
    found = scores.read(write(tmp_path / "metrics.jsonl", values))
    assert (found.best["fid"].value, found.final["fid"].value) == (best, final)
    assert [line for line in found.damage if "fid is not finite" in line] == found.damage
    assert len(found.damage) == sum(not math.isfinite(value) for value in values)
    folder = made_up(tmp_path / "grid", {"seeds": [0]}, {"seed=0": {"state": "done", "at": 9, "fid": values}})
    (cell,) = results_of(folder).cells
    assert (cell.value("fid", "best"), cell.value("fid", "final")) == (best, final)
    assert status_of(folder).cells[0].scores == {"fid": final}


def test_the_earlier_one_of_equals_is_the_best(tmp_path: Path) -> None:
    found = scores.read(write(tmp_path / "m", [3, 2, 2]))
    assert scores.best(found.evaluations) is found.evaluations[1]


def test_the_best_is_that_of_the_metric_that_comes_first_now(tmp_path: Path) -> None:
    """Also if it was not finite in the first evaluation, or another metric came first before."""
    file = tmp_path / "m"
    for step, fid, kid in ((1, NAN, 1.0), (2, 5.0, 2.0), (3, 4.0, 3.0)):
        scores.append(file, step, step, [{"name": "fid", "value": fid}, {"name": "kid", "value": kid}])
    assert scores.read(file).best["fid"].step == 3
    scores.append(file, 4, 4, [{"name": "kid", "value": 9.0}])
    assert scores.read(file).best["kid"].step == 1


@pytest.mark.parametrize("higher", [False, True])
def test_better_is_an_order_in_which_nothing_that_is_not_finite_is_above_a_number(higher: bool) -> None:
    for value in (NAN, INF, -INF):
        assert better(1.0, value, higher)
        assert not better(value, 1.0, higher)
        assert not better(value, value, higher)
    assert better(2.0, 1.0, higher) is higher
    assert not better(1.0, 1.0, higher)


def test_rules_skip_what_is_not_finite(tmp_path: Path) -> None:
    rule = StopEarly(metric="fid", after_kimg=0, worse_than=10)
    assert hopeless(write(tmp_path / "m", [NAN, INF, 9]), [rule]) is None
    assert hopeless(write(tmp_path / "m", [11]), [rule]) is not None


def test_a_line_has_what_the_metric_said_and_where_the_run_was(tmp_path: Path) -> None:
    score = {
        "name": "fid", "value": 3, "spread": 0.5, "protocol": "p", "features": "f", "samples": 5, "seed": 0,
        "data": {"reals": 4}, "higher_is_better": False, "of_a_later_version": [1],
    }  # fmt: skip
    scores.append(tmp_path / "m", 7, 0.5, [score])
    (read,) = scores.read(tmp_path / "m").final.values()
    assert json.dumps(read.to_dict()) == json.dumps({**score, "value": 3.0, "kimg": 0.5, "step": 7})


def test_a_run_keeps_the_best_model_though_an_earlier_value_is_damaged(tmp_path: Path) -> None:
    """The model of the first evaluation after a NaN, and of the next one only if that is better."""
    evaluation = {"features": "embedded", "metrics": ["fid"], "samples": 8, "reals": 8, "every_kimg": 0.016}
    changes = {"training__kimg": 0.016, "training__sample_kimg": 1}
    run = train(quick_experiment(**changes, evaluation=evaluation), tmp_path / "run")
    line = json.loads(run.metrics.read_text())
    line["scores"][0]["value"] = NAN
    run.metrics.write_text(json.dumps(line) + "\n")
    run.best.unlink()
    train(quick_experiment(**changes | {"training__kimg": 0.032}, evaluation=evaluation), tmp_path / "run")
    found = scores.read(RunFolder(tmp_path / "run").metrics)
    assert load_tensors(run.best)[1]["step"] == found.best["fid[embedded]"].step == 4
