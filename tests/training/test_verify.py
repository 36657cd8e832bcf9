"""`gancore verify`: a whole run is found whole, every planted damage is found and named, and repair loses nothing."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from support.tiny import quick_experiment

from gancore.artifacts import RunFolder
from gancore.artifacts.lock import held
from gancore.artifacts.tensors import load_tensors, save_tensors
from gancore.cli import main
from gancore.errors import RunError
from gancore.training import train
from gancore.training.verify import verify_run


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("trained") / "run"
    train(quick_experiment(), out)
    return out


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> RunFolder:
    shutil.copytree(trained, tmp_path / "run")
    return RunFolder(tmp_path / "run")


def damaged(run: RunFolder) -> dict[str, str]:
    return {finding.file: finding.what for finding in verify_run(run) if finding.state == "damaged"}


def test_a_whole_run_is_found_whole(run: RunFolder) -> None:
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    found = {finding.file: finding for finding in verify_run(run)}
    assert {finding.state for finding in found.values()} == {"ok"}
    assert {"config.yaml", "environment.json", "log.jsonl", "model.safetensors"} < found.keys()
    assert found[str(newest_fakes(run).relative_to(run.path))].what.startswith("what the model paints")
    assert {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()} == before


def newest_fakes(run: RunFolder) -> Path:
    return max(run.samples.glob("fakes-*.png"))


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    path.write_bytes(data)


def _other_weights(path: Path) -> None:
    """A model with a right checksum, whose weights are not those of the checkpoint."""
    tensors, about = load_tensors(path)
    name = next(name for name in tensors if name.endswith("weight"))
    save_tensors(path, {**tensors, name: tensors[name] + 1}, about)


def _other_pixel(path: Path) -> None:
    pixels = np.asarray(Image.open(path)).copy()
    pixels[3, 3] ^= 8
    Image.fromarray(pixels).save(path)


def _reorder(path: Path) -> None:
    path.write_text("".join(reversed(path.read_text().splitlines(keepends=True))))


def _cut_line(path: Path) -> None:
    path.write_text(path.read_text()[:-20] + "\n")


FAULTS: dict[str, tuple[Callable[[RunFolder], Path], Callable[[Path], None]]] = {
    "a flipped bit in the newest checkpoint": (lambda run: run.checkpoints()[0], _flip),
    "a flipped bit in the model": (lambda run: run.model, _flip),
    "weights of another model": (lambda run: run.model, _other_weights),
    "another pixel": (newest_fakes, _other_pixel),
    "no picture": (newest_fakes, lambda path: path.write_bytes(b"not a picture")),
    "a cut log line": (lambda run: run.log, _cut_line),
    "log lines in another order": (lambda run: run.log, _reorder),
    "environment.json is a list": (lambda run: run.environment, lambda path: path.write_text("[]")),
    "config.yaml is no experiment": (lambda run: run.config, lambda path: path.write_text("nonsense: 1\n")),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_damage_is_found_where_it_is(fault: str, run: RunFolder) -> None:
    where, damage = FAULTS[fault]
    path = where(run)
    damage(path)
    assert list(damaged(run)) == [str(path.relative_to(run.path))]


def test_a_checkpoint_of_other_networks_is_found(run: RunFolder) -> None:
    path = run.checkpoints()[0]
    tensors, about = load_tensors(path)
    name = next(name for name in tensors if name.startswith("generator/") and tensors[name].ndim > 1)
    save_tensors(path, {**tensors, name: torch.zeros(1)}, about)
    assert "a checkpoint of other networks" in damaged(run)[path.name]


def test_repair_sets_aside_and_training_goes_on(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    names = [run.checkpoints()[0].name, run.model.name]
    for name in names:
        _flip(run.path / name)
    _cut_line(run.log)
    kept = {name: (run.path / name).read_bytes() for name in [*names, run.log.name]}
    assert main(["verify", str(run), "--repair"]) == 1
    said = capsys.readouterr().err
    assert all(f"set aside as set-aside-{name}" in said for name in names)
    assert {name: (run.path / f"set-aside-{name}").read_bytes() for name in kept} == kept
    assert damaged(run) == {}
    assert main(["train", str(run)]) == 0
    assert damaged(run) == {}
    assert run.model.exists()


def test_the_command(run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(run), "--json"]) == 0
    assert {finding["state"] for finding in json.loads(capsys.readouterr().out)} == {"ok"}
    run.model.write_bytes(b"short")
    assert main(["verify", str(run)]) == 1
    assert "damaged  model.safetensors: " in capsys.readouterr().out
    for wrong in (tmp_path / "nowhere", tmp_path):
        assert main(["verify", str(wrong)]) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_run_that_is_being_trained_is_refused(run: RunFolder) -> None:
    with held(run.path / ".lock", ""), pytest.raises(RunError, match="a process is training here"):
        verify_run(run)
