"""The guard: once anything is not finite, no weight moves, whatever the optimizer; the step is remembered."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from support.tiny import quick_experiment, quick_trainer

from gancore.artifacts.tensors import load_tensors
from gancore.data import ImageData
from gancore.errors import RunFailed
from gancore.training import train
from gancore.training.trainer import Trainer

OPTIMIZERS: list[dict[str, Any]] = [
    {"use": "adam"},
    {"use": "rmsprop", "lr": 1e-3, "weight_decay": 0.1},
    {"use": "sgd", "lr": 1e-3, "momentum": 0.5},
]


class Poisoned:
    def __init__(self, data: ImageData) -> None:
        self.data, self.interface, self.identity = data, data.interface, data.identity
        self.label_rows = data.label_rows

    def __len__(self) -> int:
        return len(self.data)

    def batch(self, *args: Any) -> torch.Tensor:
        return self.data.batch(*args) * float("nan")

    def labels_of(self, *args: Any) -> torch.Tensor | None:
        return self.data.labels_of(*args)


def poison(trainer: Trainer) -> None:
    """A real image that is not finite: losses and gradients of the discriminator become NaN."""
    trainer.data = Poisoned(trainer.data)  # type: ignore[assignment]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda o: o["use"])
def test_bad_step_freezes_the_weights(optimizer: dict[str, Any]) -> None:
    trainer = quick_trainer(training__optimizer=optimizer, training__order="d_first")
    for _ in range(2):
        trainer.step()
    before = {n: {k: p.clone() for k, p in m.named_parameters()} for n, m in trainer.networks.items()}
    assert trainer.guard.first_bad_step() is None
    poison(trainer)
    for _ in range(3):
        trainer.step()
    assert trainer.guard.first_bad_step() == 2
    for network, params in before.items():
        for name, p in trainer.networks[network].named_parameters():
            assert torch.equal(p, params[name]), name


@pytest.fixture
def diverging(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every run of attempt 0 meets a NaN at step 5, after its second checkpoint."""
    step = Trainer.step

    def bad_at_five(self: Trainer) -> None:
        if (self.counters.step, self.counters.attempt) == (5, 0):
            poison(self)
        step(self)

    monkeypatch.setattr(Trainer, "step", bad_at_five)


@pytest.fixture
def hopeless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every attempt of a run meets a NaN at step 5."""
    step = Trainer.step

    def always_bad(self: Trainer) -> None:
        if self.counters.step == 5:
            poison(self)
        step(self)

    monkeypatch.setattr(Trainer, "step", always_bad)


@pytest.mark.usefixtures("diverging")
def test_diverged_run_stops_with_evidence_and_keeps_its_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(RunFailed, match="not finite at step 5") as failure:
        train(quick_experiment(), tmp_path / "run")
    good = tmp_path / "run" / "checkpoint-000000.032.safetensors"
    assert str(good) in str(failure.value)
    tensors, _ = load_tensors(good)
    assert all(torch.isfinite(t).all() for t in tensors.values())
    evidence = tmp_path / "run" / "divergence-5-attempt0"
    report = json.loads((evidence / "report.json").read_text())
    assert report["phases"]["discriminator/main"]["loss"] == "nan"
    assert report["bad_parameters"] == {"generator": [], "discriminator": []}
    assert (evidence / "batch.png").is_file()


@pytest.mark.usefixtures("diverging")
def test_rollback_goes_on_with_other_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train(quick_experiment(training__on_divergence={"action": "rollback"}), tmp_path / "run")
    assert "attempt 1 of 3" in capsys.readouterr().err
    _, about = load_tensors(tmp_path / "run" / "checkpoint-000000.064.safetensors")
    assert about["counters"] == {"step": 8, "nimg": 64, "attempt": 1}


@pytest.mark.usefixtures("hopeless")
def test_rollbacks_are_bounded(tmp_path: Path) -> None:
    with pytest.raises(RunFailed, match="not finite at step 5"):
        train(quick_experiment(training__on_divergence={"action": "rollback", "rollbacks": 2}), tmp_path / "run")
    assert len(list((tmp_path / "run").glob("divergence-5-attempt*"))) == 3


@pytest.mark.usefixtures("diverging")
def test_divergence_noticed_at_the_end_is_no_success(tmp_path: Path) -> None:
    """No tick falls due before the end; after the rollback the run must train on."""
    late = {f"training__{what}_kimg": 10 for what in ("log", "sample", "checkpoint")}
    run = train(quick_experiment(training__on_divergence={"action": "rollback"}, **late), tmp_path / "run")
    _, about = load_tensors(run.checkpoints()[0])
    assert about["counters"] == {"step": 8, "nimg": 64, "attempt": 1}


def test_weights_that_an_update_ruined_are_not_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Gradients were finite, the weights they lead to are not: the guard alone would see it a step too late."""
    step = Trainer.step

    def ruined(self: Trainer) -> None:
        step(self)
        if self.counters.step == 4:
            next(self.gan.discriminator.parameters()).data.fill_(float("inf"))

    monkeypatch.setattr(Trainer, "step", ruined)
    with pytest.raises(RunFailed, match="not finite at step 3"):
        train(quick_experiment(), tmp_path / "run")
    assert [p.name for p in (tmp_path / "run").glob("checkpoint-*")] == ["checkpoint-000000.016.safetensors"]


@pytest.mark.usefixtures("hopeless")
def test_a_checkpoint_that_did_not_help_is_left_for_an_older_one(tmp_path: Path) -> None:
    with pytest.raises(RunFailed):
        train(quick_experiment(training__on_divergence={"action": "rollback", "rollbacks": 2}), tmp_path / "run")
    assert [p.name for p in (tmp_path / "run").glob("set-aside-*")] == ["set-aside-checkpoint-000000.032.safetensors"]


@pytest.mark.usefixtures("diverging")
def test_a_rollback_passes_over_damaged_checkpoints_and_reports_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    step, newest = Trainer.step, tmp_path / "run" / "checkpoint-000000.032.safetensors"

    def damaging(self: Trainer) -> None:
        if (self.counters.step, self.counters.attempt) == (5, 0):
            newest.write_bytes(b"damaged")
        step(self)

    monkeypatch.setattr(Trainer, "step", damaging)
    train(quick_experiment(training__on_divergence={"action": "rollback"}), tmp_path / "run")
    log = capsys.readouterr().err
    assert f"\n{newest}: " in log
    assert f"continuing from {tmp_path / 'run' / 'checkpoint-000000.016.safetensors'}" in log
    assert newest.with_name(f"set-aside-{newest.name}").read_bytes() == b"damaged"


@pytest.mark.usefixtures("hopeless")
def test_a_checkpoint_that_did_not_help_stays_if_all_older_ones_are_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step, older = Trainer.step, tmp_path / "run" / "checkpoint-000000.016.safetensors"

    def damaging(self: Trainer) -> None:
        if self.counters.step == 5:
            older.write_bytes(b"damaged")
        step(self)

    monkeypatch.setattr(Trainer, "step", damaging)
    with pytest.raises(RunFailed, match="not finite at step 5") as failure:
        train(quick_experiment(training__on_divergence={"action": "rollback", "rollbacks": 2}), tmp_path / "run")
    assert "newest checkpoint: " in str(failure.value)  # nobody has read it
    assert not list((tmp_path / "run").glob("set-aside-*"))
