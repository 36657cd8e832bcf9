"""Observers receive what a run reports, change nothing, and end nothing unless the experiment requires them."""

import csv
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from support.tiny import QUICK, tiny_experiment

from gancore.artifacts import RunFolder
from gancore.artifacts.tensors import load_tensors
from gancore.config import Experiment
from gancore.contracts import Observer as Listener
from gancore.discovery import discover
from gancore.errors import GancoreError, RunFailed
from gancore.training import train
from gancore.training.logs import Speed
from gancore.training.profile import Profile
from gancore.training.trainer import Trainer

SEEING = Path(__file__).parents[1] / "fixtures" / "seeing.py"
EVALUATION = {"features": "embedded", "metrics": ["fid"], "samples": 64, "reals": 64, "every_kimg": None}
HOOKS = {name for name in vars(Listener) if name.startswith("on_")}
IN_A_RUN = sorted(HOOKS - {"on_rewind", "on_profile", "on_cell_end"})


def experiment(*observers: Any, **changes: Any) -> Experiment:
    wanted = {"training__kimg": 0.032, "training__log_kimg": 0.016, "training__sample_kimg": 0.032}
    plugins = {"observer": {"seeing": f"{SEEING}:Seeing"}}
    given = {"plugins": plugins, "observers": list(observers), "evaluation": EVALUATION}
    return tiny_experiment(**QUICK | wanted | given | changes)


def seen(folder: Path, file: str = "seen.jsonl") -> list[list[Any]]:
    return [json.loads(line) for line in (folder / file).read_text("utf-8").splitlines()]


def state(run: RunFolder) -> dict[str, torch.Tensor]:
    return load_tensors(run.checkpoints()[0])[0]


def equal(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> bool:
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run without observers."""
    return train(experiment(), tmp_path_factory.mktemp("alone") / "run")


def test_an_observer_receives_everything_in_order(tmp_path: Path, alone: RunFolder) -> None:
    run = train(experiment("seeing"), tmp_path / "run")
    assert [row[:3] for row in seen(run.path)] == [
        ["on_run_start", "tiny", 0],
        ["on_samples", 0, 0.0],
        ["on_log", 2, 0.016],
        ["on_checkpoint", 2, 0.016],
        ["on_log", 4, 0.032],
        ["on_samples", 4, 0.032],
        ["on_checkpoint", 4, 0.032],
        ["on_evaluation", 4, 0.032],
        ["on_run_end", "finished", ""],
    ]
    what = ("on_log", "on_samples", "on_checkpoint")
    log, samples, checkpoint = (next(row for row in seen(run.path) if row[0] == hook) for hook in what)
    assert log[3:] == [sorted({"images_per_s", "loss/G", "loss/D", "logits/real", "logits/fake", "loss/r1"}), True]
    assert samples[3:] == ["fakes-000000.000.png", True]
    assert checkpoint[3:] == ["checkpoint-000000.016.safetensors", True]
    assert equal(state(run), state(alone))


def test_a_continued_run_starts_at_its_step_and_may_have_other_observers(tmp_path: Path, alone: RunFolder) -> None:
    train(experiment(training__kimg=0.016), tmp_path / "run")
    run = train(experiment("seeing"), tmp_path / "run")
    assert seen(run.path)[0] == ["on_run_start", "tiny", 2, 0.016, 0.032, 1]
    assert equal(state(run), state(alone))


def test_an_observer_that_fails_ends_nothing(
    tmp_path: Path, alone: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    failing = [{"use": "seeing", "file": f"{hook}.jsonl", "fails_in": hook} for hook in IN_A_RUN]
    run = train(experiment(*failing), tmp_path / "run")
    told = [line for line in capsys.readouterr().err.splitlines() if "an observer's own" in line]
    assert len(told) == len(IN_A_RUN)
    for hook in IN_A_RUN:
        words = f"observer 'seeing' of {SEEING} failed in {hook}: ValueError: an observer's own ({SEEING}:"
        assert [line for line in told if line.startswith(words)]
        assert seen(run.path, f"{hook}.jsonl")[-1][0] == hook  # it receives nothing more
    assert equal(state(run), state(alone))


@pytest.mark.parametrize(("hook", "exits"), [("on_log", False), ("on_evaluation", True), ("on_run_end", False)])
def test_a_required_observer_ends_the_run_which_is_saved(
    hook: str, exits: bool, tmp_path: Path, alone: RunFolder
) -> None:
    failing = {"use": "seeing", "fails_in": hook, "exits": exits, "required": True}
    with pytest.raises(RunFailed, match=rf"observer 'seeing' of .* failed in {hook}: .*an observer's own") as failed:
        train(experiment(failing, training__checkpoint_kimg=1), tmp_path / "run")
    assert failed.value.exit_code == 1
    at = "000000.016" if hook == "on_log" else "000000.032"
    assert [path.name for path in RunFolder(tmp_path / "run").checkpoints()] == [f"checkpoint-{at}.safetensors"]
    run = train(experiment(training__checkpoint_kimg=1), tmp_path / "run")
    assert equal(state(run), state(alone))


def test_an_observer_that_cannot_work_here_is_one_line_before_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, package in (("wandb", "wandb"), ("mlflow", "mlflow")):
        monkeypatch.setitem(__import__("sys").modules, package, None)
        with pytest.raises(GancoreError, match=rf"observer {name} needs a package: pip install 'gancore\[{name}\]'"):
            train(experiment(name), tmp_path / "run")
        assert not (tmp_path / "run").exists()


def test_a_profile_is_reported(tmp_path: Path) -> None:
    run = train(experiment("seeing", evaluation=None), tmp_path / "run", Profile(warmup=1, steps=2))
    assert ["on_profile", "profile.json", True] in seen(run.path)


def test_a_rollback_withdraws_what_came_after(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spoil = iter([False, False, False, True])

    def step(self: Trainer) -> None:
        walk(self)
        if next(spoil, False):
            with torch.no_grad():
                next(self.gan.discriminator.parameters()).fill_(torch.nan)
            with suppress(StopIteration):
                walk(self)

    walk = Trainer.step
    monkeypatch.setattr(Trainer, "step", step)
    rolling = {"action": "rollback"}
    run = train(
        experiment("seeing", "csv", evaluation=None, training__kimg=0.064, training__on_divergence=rolling),
        tmp_path / "run",
    )
    rewind = next(row for row in seen(run.path) if row[0] == "on_rewind")
    assert rewind[1] == 2
    steps = [int(row["step"]) for row in rows(run.path / "log.csv")]
    assert steps == [json.loads(line)["step"] for line in run.log.read_text("utf-8").splitlines()]


@pytest.fixture
def broken_hook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A distribution whose hook raises after the third step."""
    from support.distributions import write_dist_info

    site = tmp_path / "site"
    site.mkdir()
    code = (
        "from gancore import hookimpl\n\n@hookimpl\ndef gancore_step_end(step):\n"
        "    if step == 3:\n        raise KeyError('a hook of its own')\n"
    )
    (site / "counting.py").write_text(code, encoding="utf-8")
    write_dist_info(site, "counting-plugins", "1.0", "[gancore]\nbuiltin = counting\n")
    monkeypatch.syspath_prepend(site)
    discover.cache_clear()
    yield str(site / "counting.py")
    discover.cache_clear()


def test_a_hook_that_raises_is_named_and_the_run_is_saved(tmp_path: Path, broken_hook: str) -> None:
    with pytest.raises(RunFailed) as failed:
        train(experiment(evaluation=None), tmp_path / "run")
    words = f"hook gancore_step_end of counting-plugins ({broken_hook}:6): KeyError: 'a hook of its own'"
    assert str(failed.value).startswith(words)
    assert RunFolder(tmp_path / "run").checkpoints()[0].name == "checkpoint-000000.024.safetensors"


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(newline="", encoding="utf-8") as text:
        return list(csv.DictReader(text))


def test_tables_hold_what_the_logs_hold_also_when_continued(tmp_path: Path) -> None:
    train(experiment("csv", training__kimg=0.016), tmp_path / "run")
    run = train(experiment("csv"), tmp_path / "run")
    logged = [json.loads(line) for line in run.log.read_text("utf-8").splitlines()]
    found = rows(run.path / "log.csv")
    assert [{name: float(value) for name, value in row.items() if value} for row in found] == logged
    measured = [json.loads(line) for line in run.metrics.read_text("utf-8").splitlines()]
    assert [float(row["fid[embedded]"]) for row in rows(run.path / "scores.csv")] == [
        line["scores"][0]["value"] for line in measured
    ]


def test_a_table_takes_new_columns(tmp_path: Path) -> None:
    from gancore_plugins.observers.csv import Table

    table = Table(tmp_path / "t.csv")
    table.append({"step": 1, "a": 2})
    table.append({"step": 2, "b, c": "x,\n"})
    assert table.rows() == [{"step": "1", "a": "2", "b, c": ""}, {"step": "2", "a": "", "b, c": "x,\n"}]
    table.write([])
    assert table.rows() == []


def test_speed_leaves_out_what_is_not_training(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 2.0, 100.0, 101.0])
    monkeypatch.setattr("gancore.training.logs.time.perf_counter", lambda: next(clock))
    speed = Speed(0.0)
    assert speed.at(0.1) == 50.0
    speed.restart(0.1)
    assert speed.at(0.13) == 30.0


def test_wandb_gets_curves_scores_and_pictures_offline(tmp_path: Path) -> None:
    pytest.importorskip("wandb")
    observer = {"use": "wandb", "mode": "offline", "project": "t", "required": True}
    train(experiment(observer, training__kimg=0.016), tmp_path / "run")
    run = train(experiment(observer), tmp_path / "run")
    kept = (run.path / "wandb-id").read_text("utf-8")
    sessions = [path for path in (run.path / "wandb").glob("offline-run-*") if path.name.endswith(kept)]
    assert sessions
    assert list((run.path / "wandb").glob("offline-run-*/files/media/images/samples*.png"))


def test_mlflow_gets_curves_scores_and_pictures(tmp_path: Path) -> None:
    pytest.importorskip("mlflow")
    observer = {"use": "mlflow", "tracking_uri": str(tmp_path / "store"), "required": True}
    train(experiment(observer, training__kimg=0.016), tmp_path / "run")
    run = train(experiment(observer), tmp_path / "run")
    (folder,) = (tmp_path / "store").glob(f"*/{(run.path / 'mlflow-id').read_text('utf-8')}")
    values = {
        path.name: path.read_text("utf-8").splitlines() for path in (folder / "metrics").rglob("*") if path.is_file()
    }
    assert [line.split()[2] for line in values["G"]] == ["2", "4"]
    assert len(values["fid.embedded"]) == 2
    assert (folder / "artifacts" / "samples" / "fakes-000000.032.png").is_file()
