"""Model files that lack something are told in one line, and which file would be right."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from support.tiny import tiny_experiment

from gancore.artifacts import load
from gancore.artifacts import model as files
from gancore.artifacts.model import save_model
from gancore.artifacts.tensors import load_tensors, save_tensors
from gancore.composition import compose
from gancore.errors import RunError


@pytest.fixture
def model(tmp_path: Path) -> Path:
    experiment = tiny_experiment()
    save_model(tmp_path / "model.safetensors", compose(experiment).generator, experiment, {"kimg": 0})
    return tmp_path / "model.safetensors"


def without_tensor(tensors: dict[str, Any], about: dict[str, Any]) -> None:
    del tensors["mapping.w_avg"]


def with_tensor(tensors: dict[str, Any], about: dict[str, Any]) -> None:
    tensors["mapping.more"] = torch.zeros(1)


def with_shape(tensors: dict[str, Any], about: dict[str, Any]) -> None:
    tensors["mapping.w_avg"] = torch.zeros(3)


def without_experiment(tensors: dict[str, Any], about: dict[str, Any]) -> None:
    del about["experiment"]


def without_resolution(tensors: dict[str, Any], about: dict[str, Any]) -> None:
    del about["interface"]["resolution"]


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (without_tensor, r"1 missing \(mapping\.w_avg\)"),
        (with_tensor, r"1 unknown \(mapping\.more\)"),
        (with_shape, r"1 of another shape \(mapping\.w_avg\)"),
        (without_experiment, "no 'experiment'"),
        (without_resolution, "'interface' cannot be read"),
    ],
)
def test_what_a_file_lacks_is_told_in_one_line(model: Path, damage: Callable[..., None], told: str):
    tensors, about = load_tensors(model)
    damage(tensors, about)
    save_tensors(model, tensors, about)
    with pytest.raises(RunError, match=told) as error:
        load(model)
    assert str(error.value).startswith(f"{model}: ")
    assert "\n" not in str(error.value)


def test_a_small_file_does_not_get_a_huge_network(model: Path, monkeypatch: pytest.MonkeyPatch):
    """Its description asks for matrices of 17 GB; they are compared with the file's before they have memory."""
    tensors, about = load_tensors(model)
    about["experiment"]["generator"]["w_dim"] = 65_536
    save_tensors(model, tensors, about)
    devices, compose_generator = [], files.compose_generator

    def watched(*args: Any) -> Any:
        devices.append(torch.get_default_device().type)
        return compose_generator(*args)

    monkeypatch.setattr(files, "compose_generator", watched)
    with pytest.raises(RunError, match="of another shape"):
        load(model)
    assert devices == ["meta"]


def test_a_checkpoint_is_told_where_its_model_is(model: Path):
    other = model.with_name("checkpoint-000000.016.safetensors")
    save_tensors(other, {"a": torch.zeros(1)}, {"kind": "checkpoint"})
    with pytest.raises(RunError, match=rf"a checkpoint, not a model; use {model}"):
        load(other)


def test_a_renamed_checkpoint_is_not_its_own_remedy(tmp_path: Path):
    file = tmp_path / "model.safetensors"
    save_tensors(file, {"a": torch.zeros(1)}, {"kind": "checkpoint"})
    with pytest.raises(RunError, match="a checkpoint, not a model; `gancore train` writes"):
        load(file)
