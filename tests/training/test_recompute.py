"""Recomputed blocks give the same gradients, of second order too, and keep less."""

from pathlib import Path
from typing import Any

import pytest
import torch
from support.tiny import tiny_experiment, tiny_trainer
from torch import Tensor

from gancore.nn.recompute import recompute_from
from gancore.training.run import train
from gancore.training.trainer import Trainer

PHASES = ["generator/main", "generator/path_length", "discriminator/main", "discriminator/r1"]


def gradients(trainer: Trainer, phase: str) -> tuple[dict[str, Tensor | None], int]:
    """The gradients of a phase, and how many bytes of activations its forward pass keeps."""
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    chosen = next(p for p in trainer.phases if p.name == phase)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        trainer.gradients(chosen)
    return {name: p.grad for name, p in trainer.networks[chosen.network].named_parameters()}, sum(kept.values())


@pytest.mark.parametrize("generator", ["skip", "residual"])
def test_same_gradients_and_less_kept(generator: str) -> None:
    one, other = (tiny_trainer(generator__use=generator, training__recompute=size) for size in (None, 8))
    for phase in PHASES:
        (plain, memory), (again, less) = gradients(one, phase), gradients(other, phase)
        assert plain.keys() == again.keys()
        for name, gradient in plain.items():
            torch.testing.assert_close(again[name], gradient, rtol=0, atol=0, msg=f"{phase}: {name}")
        assert less < memory


def test_a_resolution_without_blocks_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train(tiny_experiment(training__kimg=0.008, training__recompute=1024), tmp_path / "run")
    assert "training.recompute: 1024 changes nothing" in capsys.readouterr().err
    train(tiny_experiment(training__kimg=0.016, training__recompute=8), tmp_path / "run")  # the same bits: may change
    assert "changes nothing" not in capsys.readouterr().err


def test_blocks_that_change_when_they_compute_are_left_alone() -> None:
    wrapped: dict[str, Any] = {
        "spectral": {"discriminator__weight_normalization": "spectral"},
        "batch": {"discriminator__normalization": "batch"},
    }
    for changes in wrapped.values():
        trainer = tiny_trainer(**({"discriminator": {"use": "residual"}} | changes))
        assert recompute_from(8, trainer.gan.discriminator) == []
        assert recompute_from(8, trainer.gan.generator) == ["synthesis.b8", "synthesis.b16"]
