"""A run that is stopped and continued ends with the bits of one that never stopped."""

import json
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from support.killing import run_child
from support.tiny import QUICK, assert_equal_bits, quick_experiment, tiny_trainer, walked

from gancore.artifacts import RunFolder
from gancore.artifacts.tensors import load_tensors
from gancore.errors import Interrupted, RunError
from gancore.training import train
from gancore.training.checkpoint import restore, state_of
from gancore.training.trainer import Trainer

pytestmark = pytest.mark.xdist_group("processes")  # one worker has a server to fork them from

VARIANTS: dict[str, dict[str, Any]] = {
    "stylegan2": {},
    "microbatches, draws of the device, labels, ada": {
        "training__microbatch": 4,
        "training__draws": "device",
        "data__labels": True,
        "augmentation": {"use": "ada"},
    },
    "batch norm, critic steps, rmsprop": {
        "generator__normalization": "batch",
        "training__d_steps": 2,
        "training__order": "d_first",
        "loss": "wasserstein",
        "training__optimizer": {"use": "rmsprop", "lr": 1e-3},
    },
    "pin, spectral norm, diffaug, momentum": {
        "generator__normalization": "pin",
        "discriminator": {"use": "residual", "weight_normalization": "spectral"},
        "augmentation": "diffaug",
        "training__optimizer": {"use": "sgd", "lr": 1e-3, "momentum": 0.9},
    },
}
"""What keeps state, with every lazy phase and every move of ADA after the stop."""


@pytest.mark.parametrize("changes", VARIANTS.values(), ids=VARIANTS)
def test_resumed_trainer_has_equal_bits(changes: dict[str, Any]) -> None:
    straight, resumed = (tiny_trainer(data__resolution=8, **changes) for _ in range(2))
    straight.counters.attempt = 2  # as after two rollbacks
    walked(straight, 3)
    tensors, about = state_of(straight)
    restore(resumed, {k: v.clone() for k, v in tensors.items()}, json.loads(json.dumps(about)))
    assert_equal_bits(state_of(walked(straight, 2))[0], state_of(walked(resumed, 2))[0])
    assert straight.stats.read() == resumed.stats.read()  # the next log line


# -- real kills ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("places", [(1, 3, 7), pytest.param(range(10), marks=pytest.mark.slow)], ids=len)
def test_kills_leave_no_trace(tmp_path: Path, places: Sequence[int]) -> None:
    straight, killed = tmp_path / "straight", tmp_path / "killed"
    assert run_child(straight, None, **QUICK) == 0
    for place in places:
        assert run_child(killed, place, **QUICK) == -signal.SIGKILL
    assert run_child(killed, None, **QUICK) == 0

    assert_equal_bits(load_tensors(straight / "model.safetensors")[0], load_tensors(killed / "model.safetensors")[0])
    newest = [RunFolder(folder).checkpoints()[0] for folder in (straight, killed)]
    assert newest[0].name == newest[1].name
    assert_equal_bits(load_tensors(newest[0])[0], load_tensors(newest[1])[0])
    assert steps_logged(straight) == steps_logged(killed)
    assert not list(killed.rglob("*.tmp"))


def steps_logged(folder: Path) -> list[int]:
    return [json.loads(line)["step"] for line in RunFolder(folder).log.read_text().splitlines()]


# -- other ways to stop and go on ---------------------------------------------------------------------------------


def test_interrupted_run_says_how_to_continue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    step = Trainer.step

    def interrupted(self: Trainer) -> None:
        step(self)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Trainer, "step", interrupted)
    with pytest.raises(Interrupted, match="run the same command again"):
        train(quick_experiment(), tmp_path / "run")
    monkeypatch.undo()
    train(quick_experiment(), tmp_path / "run")
    train(quick_experiment(), tmp_path / "straight")
    assert_equal_bits(*(load_tensors(tmp_path / name / "model.safetensors")[0] for name in ("run", "straight")))


def test_damaged_newest_checkpoint_is_reported_and_skipped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train(quick_experiment(), tmp_path / "run")
    model = load_tensors(tmp_path / "run" / "model.safetensors")[0]
    newest, older = RunFolder(tmp_path / "run").checkpoints()
    damaged = bytearray(newest.read_bytes())
    damaged[-5] ^= 1
    newest.write_bytes(damaged)
    (tmp_path / "run" / "model.safetensors").unlink()
    train(quick_experiment(), tmp_path / "run")
    said = capsys.readouterr().err
    assert f"{newest}: damaged" in said
    assert f"continuing from {older}" in said
    assert_equal_bits(model, load_tensors(tmp_path / "run" / "model.safetensors")[0])


def test_no_sound_checkpoint_is_an_error_and_nothing_is_lost(tmp_path: Path) -> None:
    train(quick_experiment(), tmp_path / "run")
    run = RunFolder(tmp_path / "run")
    for path in run.checkpoints():
        path.write_bytes(path.read_bytes()[:-100])
    before = sorted(p.name for p in run.path.iterdir())
    with pytest.raises(RunError, match="no checkpoint is left"):
        train(quick_experiment(), run.path)
    assert sorted(p.name for p in run.path.iterdir()) == before


def test_finished_run_goes_on_with_more_kimg(tmp_path: Path) -> None:
    train(quick_experiment(training__kimg=0.032), tmp_path / "run")
    train(quick_experiment(training__kimg=0.064), tmp_path / "run")
    train(quick_experiment(training__kimg=0.064), tmp_path / "straight")
    assert_equal_bits(*(load_tensors(tmp_path / name / "model.safetensors")[0] for name in ("run", "straight")))


def test_folder_of_another_experiment_is_left_alone(tmp_path: Path) -> None:
    train(quick_experiment(training__kimg=0.016), tmp_path / "run")
    before = (tmp_path / "run" / "config.yaml").read_text()
    with pytest.raises(RunError, match=r"loss\.use: non_saturating -> hinge"):
        train(quick_experiment(training__kimg=0.016, loss="hinge"), tmp_path / "run")
    assert (tmp_path / "run" / "config.yaml").read_text() == before


def test_two_processes_cannot_share_a_folder(tmp_path: Path) -> None:
    with RunFolder(tmp_path / "run").locked(), pytest.raises(RunError, match="another process"):
        train(quick_experiment(), tmp_path / "run")


def test_kill_between_last_checkpoint_and_model_leaves_no_stale_model(tmp_path: Path, monkeypatch: Any) -> None:
    from gancore.training import saving

    train(quick_experiment(), tmp_path / "straight")
    save, calls = saving.save_model, iter(range(10))

    def lost(*args: Any) -> None:
        if next(calls) == 3:  # the last of four
            raise KeyboardInterrupt
        save(*args)

    monkeypatch.setattr(saving, "save_model", lost)
    with pytest.raises(KeyboardInterrupt):
        train(quick_experiment(), tmp_path / "run")
    monkeypatch.undo()
    train(quick_experiment(), tmp_path / "run")
    assert_equal_bits(*(load_tensors(tmp_path / name / "model.safetensors")[0] for name in ("run", "straight")))


def test_what_is_checked_is_checked_again_under_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process trains something else in the folder between the first look and the lock."""
    from gancore.training import run as loop

    look = loop.training_data

    def overtaken(*args: Any) -> Any:
        monkeypatch.undo()
        train(quick_experiment(training__kimg=0.016, loss="hinge"), tmp_path / "run")
        return look(*args)

    monkeypatch.setattr(loop, "training_data", overtaken)
    with pytest.raises(RunError, match=r"loss\.use: hinge -> non_saturating"):
        train(quick_experiment(), tmp_path / "run")


def test_a_trained_run_without_checkpoints_is_not_started_anew(tmp_path: Path) -> None:
    run = train(quick_experiment(training__kimg=0.016), tmp_path / "run")
    for path in run.checkpoints():
        path.unlink()
    log = run.log.read_text()
    with pytest.raises(RunError, match="no checkpoint to continue from"):
        train(quick_experiment(training__kimg=0.032), run.path)
    assert run.log.read_text() == log


def test_run_goes_on_beside_a_damaged_checkpoint(tmp_path: Path) -> None:
    run = train(quick_experiment(training__kimg=0.032), tmp_path / "run")
    newest = run.checkpoints()[0]
    newest.write_bytes(b"damaged")
    train(quick_experiment(training__kimg=0.064, training__checkpoint_kimg=0.008), run.path)
    assert len(run.checkpoints()) == 2
    assert (run.path / f"set-aside-{newest.name}").read_bytes() == b"damaged"
