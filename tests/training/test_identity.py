"""A checkpoint knows its experiment: those of others are refused, and what may change may be edited."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.tiny import assert_equal_bits, data_of, quick_experiment, tiny_experiment

from gancore.artifacts import RunFolder
from gancore.artifacts.tensors import description_of, load_tensors, save_tensors
from gancore.cli import main
from gancore.config import Experiment
from gancore.config.identity import MAY_CHANGE, Identity, of_training
from gancore.errors import RunError
from gancore.training import train
from gancore.training.verify import repair_run, verify_run


def identity(experiment: Experiment) -> Identity:
    return of_training(experiment, data_of(experiment).identity.to_dict(), {})


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(quick_experiment(evaluation=EVALUATION), tmp_path_factory.mktemp("trained") / "run").path


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> RunFolder:
    return RunFolder(shutil.copytree(trained, tmp_path / "run"))


EVALUATION = {"reals": 16, "samples": 16, "features": "embedded", "metrics": ["fid"]}
EDITS = {
    "batch": ("batch: 8", "batch: 16", "training.batch: 8 -> 16"),
    "seed": ("seed: 0", "seed: 1", "training.seed: 0 -> 1"),
    "gamma": ("gamma: 1", "gamma: 2", "regularizers.r1.gamma: 1 -> 2"),
}


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_configuration_is_refused_with_the_difference(
    edit: str, run: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    before, after, difference = EDITS[edit]
    text = run.config.read_text()
    assert before in text
    run.config.write_text(text.replace(before, after, 1))
    there = contents(run.path)
    assert main(["train", str(run)]) == 2
    said = capsys.readouterr().err
    assert f"a checkpoint of another experiment (there -> here): {difference}" in said
    assert "Traceback" not in said
    assert contents(run.path) == there
    damaged = [finding for finding in verify_run(run) if finding.state == "damaged"]
    assert [finding.file for finding in damaged] == ["config.yaml"]
    assert difference in damaged[0].what
    list(repair_run(run, damaged))
    assert contents(run.path) == there
    run.config.write_text(text)
    assert main(["train", str(run)]) == 0


def test_a_configuration_may_be_edited_where_it_may_change(run: RunFolder, tmp_path: Path) -> None:
    run.config.write_text(run.config.read_text().replace("kimg: 0.064", "kimg: 0.08", 1))
    assert main(["train", str(run)]) == 0
    straight = train(quick_experiment(training__kimg=0.08), tmp_path / "straight")
    assert_equal_bits(*(load_tensors(folder.model)[0] for folder in (run, straight)))


def test_a_checkpoint_of_another_run_is_set_aside(
    run: RunFolder, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of the same networks, the same data, and another seed."""
    other = train(quick_experiment(training__seed=1), tmp_path / "other")
    newest, older = run.checkpoints()
    shutil.copy(other.checkpoints()[0], newest)
    train(quick_experiment(), run.path)
    said = capsys.readouterr().err
    assert f"{newest}: a checkpoint of another experiment (there -> here): training.seed: 1 -> 0" in said
    assert f"continuing from {older}" in said
    assert_equal_bits(*(load_tensors(folder / newest.name)[0] for folder in (run.path, trained)))


def test_a_checkpoint_without_an_identity_goes_on_with_a_notice(
    run: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in run.checkpoints():
        tensors, about = load_tensors(path)
        save_tensors(path, tensors, {key: value for key, value in about.items() if key not in ("identity", "fixed")})
    train(quick_experiment(training__kimg=0.08), run.path)
    said = capsys.readouterr().err
    assert f"{run.checkpoint(0.064)}: of an earlier version" in said
    assert description_of(run.checkpoint(0.08))["identity"]


def test_checkpoints_and_models_of_a_run_have_one_identity(run: RunFolder) -> None:
    expected = identity(quick_experiment()).short
    files = [run.model, run.best, *run.checkpoints()]
    assert [description_of(path)["identity"] for path in files] == [expected] * len(files)


CHANGES: dict[str, dict[str, Any]] = {
    "name": {"name": "other"},
    "data.format": {"data__format": 1},
    "training.kimg": {"training__kimg": 9},
    "training.device": {"training__device": "auto"},
    "training.microbatch": {"training__microbatch": 2},
    "training.compile": {"training__compile": "auto"},
    "training.recompute": {"training__recompute": 8},
    "training.log_kimg": {"training__log_kimg": 1},
    "training.sample_kimg": {"training__sample_kimg": 1},
    "training.checkpoint_kimg": {"training__checkpoint_kimg": 1},
    "training.keep_checkpoints": {"training__keep_checkpoints": 9},
    "training.keep_samples": {"training__keep_samples": 9},
    "training.on_divergence": {"training__on_divergence": {"action": "rollback"}},
    "evaluation": {"evaluation": EVALUATION},
}


@pytest.mark.parametrize("key", CHANGES)
def test_what_may_change_is_no_part_of_it(key: str) -> None:
    assert key in MAY_CHANGE
    changed = quick_experiment(**CHANGES[key])
    assert changed.differences(quick_experiment())
    data = data_of(quick_experiment()).identity.to_dict()
    assert of_training(changed, data, {}) == of_training(quick_experiment(), data, {})


OTHERS: dict[str, Callable[[], Identity]] = {
    "seed": lambda: identity(quick_experiment(training__seed=1)),
    "loss": lambda: identity(quick_experiment(loss="hinge")),
    "threads": lambda: identity(quick_experiment(training__threads=2)),
    "other images": lambda: of_training(quick_experiment(), {"sha256": "other"}, {}),
}


@pytest.mark.parametrize("other", OTHERS)
def test_what_must_stay_is(other: str) -> None:
    assert OTHERS[other]().short != identity(quick_experiment()).short


def test_a_growing_run_is_itself_after_json(tmp_path: Path) -> None:
    """Numbers are keys of its batches, and text in the file."""
    growth = {"start": 8, "stable_kimg": 0.008, "fade_kimg": 0.008, "batch": {8: 8, 16: 4}}
    here = identity(tiny_experiment(discriminator="skip", training__growth=growth))
    save_tensors(tmp_path / "a.safetensors", {}, here.to_dict())
    about = description_of(tmp_path / "a.safetensors")
    assert here.differences(about) == []
    other = identity(tiny_experiment(discriminator="skip", training__growth={**growth, "batch": {8: 8, 16: 2}}))
    assert other.differences(about) == ["training.growth.batch.16: 4 -> 2"]


@pytest.mark.parametrize("name", ["events", "samples", "plugins"])
def test_a_file_in_place_of_a_folder_is_told_before_anything_is_written(name: str, run: RunFolder) -> None:
    shutil.rmtree(run.path / name, ignore_errors=True)
    (run.path / name).write_text("mine")
    there = contents(run.path)
    with pytest.raises(RunError, match=f"{name}: a file, where a run has a folder"):
        train(quick_experiment(training__kimg=0.08), run.path)
    assert contents(run.path) == there
