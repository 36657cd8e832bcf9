"""What a run may be written into, and what it leaves."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from support.tiny import quick_experiment, tiny_experiment

from gancore.artifacts import RunFolder
from gancore.errors import DataError, GancoreError, RunError, RunFailed
from gancore.training import train
from gancore.training.trainer import Trainer


def test_a_run_leaves_what_its_folder_promises(tmp_path: Path) -> None:
    run = train(tiny_experiment(training__kimg=0.032), tmp_path / "run")
    assert sorted(p.name for p in run.path.iterdir() if p.name != ".lock") == [
        "checkpoint-000000.016.safetensors",
        "checkpoint-000000.032.safetensors",
        "config.yaml",
        "environment.json",
        "events",
        "log.jsonl",
        "model.safetensors",
        "samples",
    ]
    records = [json.loads(line) for line in run.log.read_text().splitlines()]
    assert [r["step"] for r in records] == [2, 4]
    assert {"kimg", "images_per_s", "loss/G", "loss/D", "loss/r1", "loss/path_length"} <= set(records[0])
    about = json.loads(run.environment.read_text())
    assert about["threads"] == 1
    assert about["data"]["count"] == 1906
    with Image.open(run.samples / "fakes-000000.032.png") as fakes, Image.open(run.samples / "reals.png") as reals:
        assert fakes.size == reals.size


def test_rho_is_logged_for_every_layer(tmp_path: Path) -> None:
    run = train(tiny_experiment(generator__normalization="pin", training__kimg=0.016), tmp_path / "run")
    record = json.loads(run.log.read_text().splitlines()[0])
    rho = {name: value for name, value in record.items() if name.endswith("rho")}
    assert len(rho) == 5
    assert all(0 <= value <= 1 for value in rho.values())


@pytest.mark.parametrize("there", ["file", "folder"])
def test_what_is_not_a_run_is_left_alone(tmp_path: Path, there: str) -> None:
    out = tmp_path / "mine"
    note = out if there == "file" else out / "notes.tmp.txt"
    note.parent.mkdir(exist_ok=True)
    note.write_text("keep me")
    with pytest.raises(RunError, match="--out"):
        train(quick_experiment(), out)
    assert note.read_text() == "keep me"
    assert sorted(p for p in tmp_path.rglob("*") if p.is_file()) == [note]


def test_wrong_requests_write_nothing(tmp_path: Path) -> None:
    with pytest.raises(DataError):
        train(
            quick_experiment(data={"use": "folder", "path": str(tmp_path / "none"), "resolution": 16}), tmp_path / "run"
        )
    with pytest.raises(GancoreError, match="not available here; available: auto"):
        train(quick_experiment(training__device="cuda:7"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_checkpoints_are_thinned_out(tmp_path: Path) -> None:
    run = train(quick_experiment(training__keep_checkpoints=3), tmp_path / "run")
    assert [p.name for p in RunFolder(run.path).checkpoints()] == [
        f"checkpoint-000000.{kimg}.safetensors" for kimg in ("064", "048", "032")
    ]


def test_out_of_memory_says_which_microbatch_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A device that holds two images at a time."""
    gradients = Trainer.gradients

    def small_memory(self: Trainer, phase: Any, microbatch: int | None = None) -> torch.Tensor:
        if (microbatch or self.training.batch) > 2:
            raise torch.OutOfMemoryError("out of memory")
        return gradients(self, phase, microbatch)

    monkeypatch.setattr(Trainer, "gradients", small_memory)
    with pytest.raises(RunFailed, match=r"-o training\.microbatch=2 fits"):
        train(quick_experiment(), tmp_path / "run")
    with pytest.raises(RunFailed, match=r"-o training\.microbatch=1 fits"):
        train(quick_experiment(training__batch=7), tmp_path / "odd")


def test_other_errors_are_not_called_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Trainer) -> None:
        raise RuntimeError("a mistake in a plugin")

    monkeypatch.setattr(Trainer, "step", broken)
    with pytest.raises(RuntimeError, match="a mistake in a plugin"):
        train(quick_experiment(), tmp_path / "run")


def test_a_checkpoint_that_does_not_fit_is_a_failed_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file may grow beyond 20 kB from the fourth step on; what was saved before is still there."""
    resource = pytest.importorskip("resource")
    limits, step = resource.getrlimit(resource.RLIMIT_FSIZE), Trainer.step

    def filling(self: Trainer) -> None:
        step(self)
        if self.counters.step == 4:
            resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))

    monkeypatch.setattr(Trainer, "step", filling)
    try:
        with pytest.raises(RunFailed) as failure:
            train(quick_experiment(training__sample_kimg=1), tmp_path / "run")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    run = RunFolder(tmp_path / "run")
    good = run.checkpoint(0.016)
    assert str(failure.value) == (
        f"{run.checkpoint(0.032)}: File too large; run folder: {run}, newest checkpoint: {good}"
    )
    assert run.checkpoints() == [good]


def test_files_can_be_read_by_whom_the_umask_allows(tmp_path: Path) -> None:
    run = train(quick_experiment(training__kimg=0.016), tmp_path / "run")
    modes = {path.stat().st_mode & 0o777 for path in (run.config, run.model, *run.checkpoints())}
    assert len(modes) == 1


@pytest.mark.parametrize("text", ["", "{}", None])
def test_damaged_environment_is_told(tmp_path: Path, text: str | None) -> None:
    run = train(quick_experiment(training__kimg=0.016), tmp_path / "run")
    run.environment.unlink() if text is None else run.environment.write_text(text)
    with pytest.raises(RunError, match=r"environment\.json: missing or damaged"):
        train(quick_experiment(training__kimg=0.032), run.path)


def test_too_little_room_is_a_warning_before_the_first_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the sizes of the grids of samples and of the logs, and less what is there already."""
    monkeypatch.setattr("gancore.training.disk.free_bytes", lambda folder: 10**6)
    many = {"training__sample_kimg": 0.016, "training__log_kimg": 0.016}
    train(quick_experiment(training__kimg=0.032, **many), tmp_path / "run")
    assert "needs" not in capsys.readouterr().err
    monkeypatch.setattr("gancore.training.disk.free_bytes", lambda folder: 10**3)
    train(quick_experiment(training__kimg=0.064, **many), tmp_path / "run2")
    told = capsys.readouterr().err
    assert re.search(r"warning: the run in \S+run2 needs 0\.\d MB, and 0\.0 MB are free; keep fewer", told)
