"""Runs and grids of an earlier version (tests/fixtures/e3d0692) are continued, reported and sampled."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from support.grid_files import InProcess, run_here

import gancore
from gancore.artifacts import RunFolder, log, scores
from gancore.artifacts.tensors import description_of
from gancore.cli import main
from gancore.config import load_experiment
from gancore.evaluation import Evaluator, Score
from gancore.grid.folder import GridFolder

EARLIER = Path(__file__).parents[1] / "fixtures" / "e3d0692"
DONE, STOPPED = "discriminator=skip_seed=0", "discriminator=residual_seed=0"


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder(shutil.copytree(EARLIER / "run", tmp_path / "run"))


@pytest.fixture
def grid(tmp_path: Path) -> GridFolder:
    return GridFolder(shutil.copytree(EARLIER / "grid", tmp_path / "grid"))


def test_a_run_goes_on_where_it_was(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    before = run.log.read_text()
    assert main(["train", str(run), "-o", "training.kimg=0.072", "-o", "evaluation.reals=20"]) == 0
    said = capsys.readouterr().err
    assert "continuing from" in said
    assert "of an earlier version, which noted no experiment in it" in said
    assert run.log.read_text().startswith(before)
    assert [tick.step for tick in log.read(run).records] == list(range(1, 10))
    assert [evaluation.step for evaluation in scores.read(run.metrics).evaluations] == [4, 8, 9]
    assert (description_of(run.model)["kimg"], run.saved_kimg()) == (0.072, 0.072)


def test_another_experiment_is_refused(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", str(run.config), "-o", "regularizers.r1.gamma=2", "--out", str(run)]) == 2
    assert "regularizers.r1.gamma: 1 -> 2" in capsys.readouterr().err


def test_its_model_is_loaded_and_sampled(run: RunFolder, tmp_path: Path) -> None:
    images = gancore.load(run.path)(torch.zeros(2, 4))
    assert images.shape == (2, 3, 16, 16)
    assert main(["sample", str(run), "--out", str(tmp_path / "samples.png"), "--count", "4"]) == 0


def test_it_is_listed(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "list", str(run.path.parent), "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["kimg"], found["target_kimg"], list(found["scores"]), found["damage"]) == (
        0.064, 0.128, ["fid[embedded]"], []
    )  # fmt: skip


def test_a_grid_is_reported_as_it_was(grid: GridFolder) -> None:
    assert main(["grid", "report", str(grid)]) == 0
    found = json.loads((grid.path / "report" / "results.json").read_text())
    expected = json.loads((EARLIER / "results.json").read_text())
    assert json.dumps({key: found[key] for key in expected}, indent=1) == json.dumps(expected, indent=1)


def test_a_grid_goes_on_with_the_cell_that_was_stopped(grid: GridFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    score = Score("fid[embedded]", 100.0, None, "", "embedded", 64, 0, None)
    monkeypatch.setattr(Evaluator, "scores", lambda self, fakes: [score])  # seen through all emoji, which takes seconds
    assert [grid.state(name).state for name in (DONE, STOPPED)] == ["done", "interrupted"]
    before, states = grid.run(DONE).model.stat().st_mtime_ns, [grid.state(name) for name in (DONE, STOPPED)]
    executor = InProcess()
    run_here(load_experiment(grid.file), grid.path, executor)
    assert executor.ran == [STOPPED]
    assert [grid.state(name).state for name in (DONE, STOPPED)] == ["done", "done"]
    assert [grid.state(name).identity for name in (DONE, STOPPED)] == [state.identity for state in states]
    assert grid.run(DONE).model.stat().st_mtime_ns == before
    assert [tick.step for tick in log.read(grid.run(STOPPED)).records] == list(range(1, 9))
