"""`init_from`: weights come over by name and shape, what does not is listed; a run is resumed without the file."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from support.golden_checkpoints import checkpoints
from support.tiny import quick_experiment, tiny_experiment, tiny_trainer, trainer_for
from torch import Tensor

from gancore.artifacts import RunFolder
from gancore.artifacts.tensors import load_tensors
from gancore.config import Experiment
from gancore.config.sections.init_from import InitFrom, content_hash
from gancore.errors import ConfigError, GancoreError, RunError
from gancore.interop import import_checkpoint
from gancore.training.initial import pinned, start_from
from gancore.training.run import train

FILES = {checkpoint.path.name: checkpoint.path for checkpoint in checkpoints()}
HALF = {"training__kimg": 0.032, "training__sample_kimg": 1, "training__log_kimg": 1, "training__threads": 1}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run of two small MLPs, four steps long."""
    return train(quick_experiment(**HALF), tmp_path_factory.mktemp("source") / "run")


def starting(file: Path | str, **changes: Any) -> Experiment:
    """As the source, with another seed."""
    return quick_experiment(**HALF, training__seed=1, init_from=str(file), **changes)


def state(run: RunFolder) -> dict[str, Tensor]:
    return load_tensors(run.checkpoints()[0])[0]


@pytest.mark.parametrize("form", ["folder", "checkpoint", "model"])
def test_a_run_of_ours_comes_over(source: RunFolder, form: str):
    """All networks of a checkpoint, the averaged generator of a model."""
    file = {"folder": source.path, "checkpoint": source.checkpoints()[0], "model": source.model}[form]
    experiment = pinned(starting(file), RunFolder(Path("nowhere")))
    trainer = trainer_for(experiment)
    before = {key: value.clone() for key, value in trainer.gan.discriminator.state_dict().items()}
    found = start_from(trainer, experiment)
    want = state(source)
    generator = "ema" if form == "model" else "generator"
    assert equal(trainer.gan.generator.state_dict(), want, f"{generator}/")
    assert equal(trainer.ema.state_dict(), want, "ema/")
    if form == "model":
        assert found.left == {"discriminator": "the file has none"}
        assert all(torch.equal(value, before[key]) for key, value in trainer.gan.discriminator.state_dict().items())
    else:
        assert equal(trainer.gan.discriminator.state_dict(), want, "discriminator/")
        assert (found.left, found.fresh, found.other_options) == ({}, [], [])


def equal(got: dict[str, Tensor], want: dict[str, Tensor], prefix: str) -> bool:
    return all(torch.equal(value, want[f"{prefix}{key}"]) for key, value in got.items())


def test_a_run_is_continued_exactly_without_the_file(source: RunFolder, tmp_path: Path):
    file = tmp_path / "start.safetensors"
    file.write_bytes(source.checkpoints()[0].read_bytes())
    longer = {**HALF, "training__kimg": 0.064}
    whole = train(quick_experiment(**longer, training__seed=1, init_from=str(file)), tmp_path / "whole")
    train(starting(file), tmp_path / "halves")
    digest = content_hash(file)
    file.unlink()
    halves = train(quick_experiment(**longer, training__seed=1, init_from=str(file)), tmp_path / "halves")
    a, b = state(whole), state(halves)
    assert a.keys() == b.keys()
    assert all(torch.equal(a[key], b[key]) for key in a)
    assert json.loads(halves.init_from.read_text())["sha256"] == digest
    assert halves.read_config()["init_from"]["sha256"] == digest
    plain = state(train(quick_experiment(**longer, training__seed=1), tmp_path / "plain"))
    assert any(not torch.equal(a[key], plain[key]) for key in a)
    file.write_bytes(source.model.read_bytes())
    with pytest.raises(RunError, match=r"another experiment.*\n.*init_from\.sha256"):
        train(starting(file), tmp_path / "halves")


def test_the_identity_is_the_content(source: RunFolder, tmp_path: Path):
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(source.model.read_bytes())
    (tmp_path / "c").write_bytes(source.checkpoints()[0].read_bytes())
    a, b, c = (starting(tmp_path / name).identity() for name in "abc")
    assert a == b != c
    assert "init_from" not in quick_experiment().identity()


def test_parts_are_frozen(source: RunFolder, tmp_path: Path):
    """They stay as they came, in training and when it is continued; the others move."""
    names = [name for name, _ in tiny_trainer(**{"training__kimg": 1}).gan.discriminator.named_parameters()]
    frozen = names[0].rpartition(".")[0]
    short = {**HALF, "training__kimg": 0.016}
    first = train(tiny_experiment(**short), tmp_path / "first")
    options = {"file": str(first.path), "freeze": [f"discriminator.{frozen}", "generator.mapping"]}
    run = train(tiny_experiment(**short, training__seed=1, init_from=options), tmp_path / "run")
    before, after = state(first), state(run)
    still = [key for key in before if key.startswith((f"discriminator/{frozen}.", "generator/mapping.fc"))]
    assert len(still) >= 5
    assert all(torch.equal(before[key], after[key]) for key in still)
    assert not torch.equal(before["generator/synthesis.b4.const"], after["generator/synthesis.b4.const"])
    assert not any("mapping.fc" in key for key in after if key.startswith("optimizer.generator"))


@pytest.mark.parametrize(
    ("freeze", "told"),
    [
        ("discriminatr.b4", "'discriminatr.b4' is in no network; did you mean 'discriminator'"),
        ("generator.fcc9", "'generator.fcc9' has no parameters"),
        ("discriminator", "^discriminator: it has no parameters that are trained; leave some out of init_from.freeze"),
    ],
)
def test_what_is_frozen_is_there(source: RunFolder, freeze: str, told: str):
    with pytest.raises(GancoreError, match=told):
        trainer_for(quick_experiment(init_from={"file": str(source.path), "freeze": [freeze]}))


def test_other_sizes_and_labels_come_as_far_as_they_fit(tmp_path: Path):
    """Of a foreign conditional model, for another resolution and without labels; what is left is listed."""
    file = FILES["ada_resnet_c10.pkl"]
    theirs = import_checkpoint(file)
    generator, discriminator = (theirs.experiment.to_dict()[name] for name in ("generator", "discriminator"))
    changes = {"generator": generator, "discriminator": discriminator, "data__resolution": 32}
    experiment = pinned(tiny_experiment(**HALF, init_from=str(file), **changes), RunFolder(tmp_path / "none"))
    trainer = trainer_for(experiment)
    found = start_from(trainer, experiment)
    want, D = theirs.tensors(), trainer.gan.discriminator.state_dict()
    assert torch.equal(trainer.ema.state_dict()["synthesis.b16.conv1.weight"], want["synthesis.b16.conv1.weight"])
    assert torch.equal(D["b16.conv0.weight"], want["discriminator/b16.conv0.weight"])
    assert found.left["generator.mapping.embed.weight"] == "no such tensor here"
    assert "is expected" in found.left["generator.mapping.fc0.weight"]
    assert "generator.synthesis.b32.conv0.weight" in found.fresh
    assert not any(line.startswith("generator.mapping") for line in found.other_options)


def test_parts_of_tensors_on_request(tmp_path: Path):
    """Ten classes become three: the latent and the first classes keep their weights."""
    file = FILES["ada_resnet_c10.pkl"]
    theirs = import_checkpoint(file)
    sections = theirs.experiment.to_dict()
    changes = {name: sections[name] for name in ("generator", "discriminator")}
    labels = {"data": {"use": "emoji", "classes": ["Flags", "Objects", "Symbols"], "labels": True, "resolution": 32}}
    wanted = {"file": str(file), "partial": True}
    experiment = pinned(tiny_experiment(**HALF, **changes, **labels, init_from=wanted), RunFolder(tmp_path / "none"))
    trainer = trainer_for(experiment)
    fresh = trainer.gan.generator.state_dict()["mapping.embed.weight"].clone()
    found = start_from(trainer, experiment)
    ours, want = trainer.gan.generator.state_dict(), theirs.tensors()
    assert ours["mapping.embed.weight"].shape != want["generator/mapping.embed.weight"].shape
    assert torch.equal(ours["mapping.embed.weight"], want["generator/mapping.embed.weight"][:, :3])
    assert not torch.equal(ours["mapping.embed.weight"], fresh)
    assert found.partial["generator.mapping.embed.weight"].startswith("3 of dimension 1 come from [")
    assert not any("mapping.embed" in name for name in [*found.left, *found.fresh])
    assert any("mapping.embed.weight: 3 of dimension 1" in line for line in found.lines())


def test_options_that_change_what_weights_mean_are_said(tmp_path: Path):
    """TensorFlow's biases of styles lack the 1."""
    experiment = pinned(tiny_experiment(**HALF, init_from=str(FILES["tf_skip.pkl"])), RunFolder(tmp_path / "none"))
    found = start_from(trainer_for(experiment), experiment)
    assert "generator.style_bias: around_start -> whole" in found.other_options


def test_one_network_alone(source: RunFolder):
    experiment = quick_experiment(init_from={"file": str(source.path), "networks": ["discriminator"]})
    experiment = pinned(experiment, RunFolder(Path("nowhere")))
    trainer = trainer_for(experiment)
    before = {key: value.clone() for key, value in trainer.gan.generator.state_dict().items()}
    start_from(trainer, experiment)
    assert all(torch.equal(value, before[key]) for key, value in trainer.gan.generator.state_dict().items())
    assert equal(trainer.gan.discriminator.state_dict(), state(source), "discriminator/")


def test_files_that_cannot_be_started_from(source: RunFolder, tmp_path: Path):
    """Told before anything is written."""
    out = tmp_path / "run"
    with pytest.raises(ConfigError, match=r"init_from\.file: .*nothing\.pkl: No such file"):
        train(starting(tmp_path / "nothing.pkl"), out)
    wrong = InitFrom(file=str(source.path), sha256="0" * 64)
    with pytest.raises(ConfigError, match=r"init_from\.sha256: .* has other content"):
        train(quick_experiment(**HALF, init_from=wrong.model_dump(mode="json")), out)
    with pytest.raises(ConfigError, match=r"init_from: no tensor of .* fits"):
        train(tiny_experiment(**HALF, init_from=str(source.path), generator__w_dim=9), out)
    assert not RunFolder(out).exists()
    with pytest.raises(ConfigError, match="networks"):
        quick_experiment(init_from={"file": "x", "networks": ["critic"]})
