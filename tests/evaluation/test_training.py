"""Evaluation while training: when, what is written and kept, and that it changes nothing else."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from support.tiny import quick_experiment

import gancore
from gancore.artifacts import RunFolder
from gancore.artifacts.tensors import load_tensors
from gancore.errors import ConfigError, GancoreError, Interrupted
from gancore.evaluation import Evaluator, Score
from gancore.training import train
from gancore.training.run import Run
from gancore.training.trainer import Trainer

SECTION = {"features": "embedded", "metrics": ["fid"], "samples": 8, "reals": 20}


def lines(run: RunFolder) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run.metrics.read_text().splitlines()]


def test_every_kimg_and_at_the_end(tmp_path: Path) -> None:
    run = train(quick_experiment(training__kimg=0.04, evaluation={**SECTION, "every_kimg": 0.016}), tmp_path / "run")
    assert [line["step"] for line in lines(run)] == [2, 4, 5]
    (score,) = lines(run)[0]["scores"]
    assert score["name"] == "fid[embedded]"
    assert score["higher_is_better"] is False
    train(quick_experiment(training__kimg=0.04, evaluation=SECTION), run.path)  # nothing is left to do
    assert [line["step"] for line in lines(run)] == [2, 4, 5]
    assert gancore.evaluate(run.path)[0].value == pytest.approx(lines(run)[-1]["scores"][0]["value"], rel=1e-6)


def test_the_best_model_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = iter([5.0, 3.0, 4.0, 3.5])

    def scores(self: Evaluator, fakes: object) -> list[Score]:
        return [Score("fid", next(values), None, "", "inception", 8, 0, None)]

    monkeypatch.setattr(Evaluator, "scores", scores)
    run = train(quick_experiment(evaluation={**SECTION, "every_kimg": 0.016}), tmp_path / "run")
    _, about = load_tensors(run.best)
    assert about["step"] == 4
    assert about["score"]["value"] == 3.0
    assert gancore.load(run.best).resolution == 8


def test_it_changes_no_bit_of_the_training(tmp_path: Path) -> None:
    options = {"training__kimg": 0.032}
    plain = train(quick_experiment(**options), tmp_path / "plain")
    measured = train(quick_experiment(**options, evaluation={**SECTION, "every_kimg": 0.016}), tmp_path / "measured")
    a, b = (load_tensors(run.checkpoints()[0])[0] for run in (plain, measured))
    assert a.keys() == b.keys()
    assert [name for name in a if not torch.equal(a[name], b[name])] == []


def test_a_stopped_run_measures_what_one_that_never_stopped_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = quick_experiment(training__kimg=0.032, evaluation={**SECTION, "every_kimg": 0.016})
    straight = train(experiment, tmp_path / "straight")
    step = Trainer.step

    def interrupted(self: Trainer) -> None:
        step(self)
        if self.counters.step == 3:
            raise Interrupted("now")

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "step", interrupted)
        with pytest.raises(Interrupted):
            train(experiment, tmp_path / "stopped")
    stopped = train(experiment, tmp_path / "stopped")
    assert lines(stopped) == lines(straight)


def test_a_finished_run_can_be_measured_in_another_way(tmp_path: Path) -> None:
    run = train(quick_experiment(training__kimg=0.016), tmp_path / "run")
    assert not run.metrics.exists()
    train(quick_experiment(training__kimg=0.016, evaluation=SECTION), run.path)
    assert [line["step"] for line in lines(run)] == [2]


def test_weights_are_looked_for_before_the_first_step(
    no_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Run, "step", lambda run: pytest.fail("a step was made"))
    with pytest.raises(GancoreError, match="GANCORE_INCEPTION_WEIGHTS"):
        train(quick_experiment(evaluation={"metrics": ["fid"]}), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"features": "embedded"}, "metrics is missing"),
        ({"metrics": ["fidd"]}, "evaluation.metrics.0: metric 'fidd' is unknown; did you mean 'fid'"),
        (
            {"metrics": [{"use": "fid", "sample": 3}]},
            "evaluation.metrics.0.sample: unknown key; did you mean 'samples'",
        ),
        ({"metrics": ["fid"], "every_kmig": 3}, "did you mean 'every_kimg'"),
        ({"metrics": [{"use": "kid", "subset_size": 1}]}, "evaluation.metrics.0.subset_size"),
        ({"metrics": [3]}, "evaluation.metrics.0: expected NAME or {use: NAME, option: value}, got 3"),
        ({"metrics": "fid"}, "evaluation.metrics: expected a list"),
        ("fid", "evaluation: expected a mapping"),
    ],
)
def test_mistakes_are_told(section: Any, words: str) -> None:
    with pytest.raises(ConfigError) as error:
        quick_experiment(evaluation=section)
    assert words in str(error.value)


def test_a_resolved_section_reads_as_itself() -> None:
    section = {**SECTION, "metrics": ["fid", {"use": "kid", "repeat": 2, "features": "inception"}, "inception_score"]}
    experiment = quick_experiment(evaluation=section)
    assert quick_experiment(evaluation=experiment.to_dict()["evaluation"]) == experiment
    assert experiment.evaluation is not None
    assert [metric.features.use for metric in experiment.evaluation.metrics] == ["embedded", "inception", "inception"]


def test_a_stop_while_it_measures_saves_and_measures_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The step of the checkpoint is the one that was to be measured, and no step is made twice."""
    options = {"training__kimg": 0.04, "training__checkpoint_kimg": 1, "evaluation": {**SECTION, "every_kimg": 0.016}}
    measure, calls = Evaluator.scores, iter(range(100))

    def interrupted(self: Evaluator, fakes: Any) -> list[Score]:
        if next(calls) == 1:
            os.kill(os.getpid(), signal.SIGTERM)
        return measure(self, fakes)

    monkeypatch.setattr(Evaluator, "scores", interrupted)
    with pytest.raises(Interrupted, match=r"stopped at 0\.032 kimg and saved"):
        train(quick_experiment(**options), tmp_path / "run")
    assert [line["step"] for line in lines(RunFolder(tmp_path / "run"))] == [2]
    run = train(quick_experiment(**options), tmp_path / "run")
    assert [line["step"] for line in lines(run)] == [2, 4, 5]
