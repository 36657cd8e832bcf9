"""`gancore train --profile`: where the time went, and a run whose bits are those of one without."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from support.tiny import tiny_experiment, tiny_trainer

from gancore.artifacts import RunFolder
from gancore.cli import main
from gancore.training import profile, train
from gancore.training.observer import Context, Observer
from gancore.training.step.phases import Phase
from gancore.training.trainer import Trainer

EXPERIMENT = """\
name: tiny
data: {use: emoji, resolution: 16, fit: resize}
generator: {use: skip, z_dim: 8, w_dim: 8, mapping: {layers: 2}, channels: {base: 64, max: 4}}
discriminator: {use: residual, channels: {base: 64, max: 4}}
regularizers: {r1: {gamma: 1, interval: 2}}
training: {kimg: 0.02, batch: 4, threads: 1, log_kimg: 0.004}
"""


def trained(folder: Path, name: str, *options: str) -> Path:
    file = folder / "tiny.yaml"
    file.write_text(EXPERIMENT)
    assert main(["train", str(file), "--out", str(folder / name), *options]) == 0
    return folder / name


def losses(run: Path) -> list[dict[str, float]]:
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if key != "images_per_s"} for line in lines]


def test_what_is_written_and_that_bits_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profile.Profile.__init__, "__defaults__", (1, 3))  # steps to warm up, steps
    plain, profiled = trained(tmp_path, "plain"), trained(tmp_path, "profiled", "--profile")
    ours, theirs = (load_file(run / "model.safetensors") for run in (plain, profiled))
    assert all(torch.equal(value, theirs[name]) for name, value in ours.items())
    assert losses(plain) == losses(profiled)
    assert not (plain / "profile.json").exists()

    found = json.loads((profiled / "profile.json").read_text())
    assert found["steps"] == 3
    calls = {phase["phase"]: phase["calls"] for phase in found["phases"]}
    assert calls == {"generator/main": 3, "discriminator/main": 3, "discriminator/r1": 1, "end of step": 3}
    for phase in found["phases"]:
        parts = phase["forward"] + phase["backward"] + phase["update"]
        assert abs(parts - phase["ms_per_step"]) < 1e-6
        assert min(phase["forward"], phase["backward"], phase["update"]) >= 0
    modules = {module["module"]: module for module in found["modules"]}
    assert modules["generator.mapping"]["calls"] == 6  # a fake batch for each network
    inside = sum(module["own_ms_per_step"] for module in found["modules"])
    assert abs(inside - sum(phase["forward"] for phase in found["phases"])) < 1e-6
    text = (profiled / "profile.txt").read_text()
    assert "discriminator/r1" in text
    assert "generator.synthesis" in text


def test_what_is_computed_again_is_forward_time_and_each_module_is_closed() -> None:
    trainer = tiny_trainer(training__recompute=8)
    trainer.observer = times = profile.Profile(0, 2)
    trainer.step()
    trainer.step()
    assert times._open == []
    for phase in times.to_dict()["phases"][:-1]:
        assert 0 < phase["forward"] < phase["ms_per_step"]
    modules = {module["module"]: module["calls"] for module in times.to_dict()["modules"]}
    assert modules["generator.synthesis.b16.conv0"] > modules["generator.synthesis.b16"]


def test_a_run_without_a_timed_step_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = trained(tmp_path, "short", "--profile")
    assert "no profile: this took no more than the 5 steps that are not timed" in capsys.readouterr().err
    assert not (run / "profile.json").exists()


def hooks_of(trainer: Trainer) -> int:
    return sum(len(module._forward_hooks) for part in trainer.gan.modules().values() for module in part.modules())


def test_only_the_steps_that_are_wanted_are_timed() -> None:
    trainer = tiny_trainer(regularizers={"r1": {"gamma": 1, "interval": 4}})  # due in a step that is not timed
    trainer.observer = times = profile.Profile(warmup=1, steps=2)
    hooks = []
    for _ in range(4):
        trainer.step()
        hooks.append(hooks_of(trainer))
    assert len(times.steps) == 2
    assert hooks[1] > 0
    assert hooks[0] == hooks[2] == hooks[3] == 0
    assert [phase["calls"] for phase in times.to_dict()["phases"]] == [2, 2, 2]


def test_after_a_rollback_the_new_trainer_is_timed() -> None:
    first, second = tiny_trainer(), tiny_trainer()
    first.observer = second.observer = times = profile.Profile(warmup=0, steps=2)
    first.step()
    calls = times.modules["generator.mapping"][0]
    second.step()
    assert times.modules["generator.mapping"][0] == 2 * calls
    assert hooks_of(first) == hooks_of(second) == 0


def test_an_observer_sees_every_phase_of_every_step(tmp_path: Path) -> None:
    told: list[str] = []

    class Told(Observer):
        @contextmanager
        def _told(self, what: str) -> Iterator[None]:
            told.append(what)
            yield
            told.append(f"/{what}")

        def run(self, folder: RunFolder) -> Context:
            return self._told(f"run {folder.path.name}")

        def step(self, trainer: Trainer) -> Context:
            return self._told(f"step {trainer.counters.step}")

        def phase(self, phase: Phase) -> Context:
            return self._told(phase.name)

        def gradients(self, phase: Phase) -> Context:
            return self._told("gradients")

        def end_of_step(self) -> Context:
            return self._told("end")

    experiment = tiny_experiment(training__kimg=0.016, regularizers={"r1": {"interval": 2}})
    train(experiment, tmp_path / "watched", Told())
    gradients = ["gradients", "/gradients"]
    main = ["generator/main", *gradients, "/generator/main", "discriminator/main", *gradients, "/discriminator/main"]
    r1 = ["discriminator/r1", *gradients, "/discriminator/r1"]
    end = ["end", "/end"]
    steps = ["step 0", *main, *r1, *end, "/step 0", "step 1", *main, *end, "/step 1"]
    assert told == ["run watched", *steps, "/run watched"]
