"""A lazy phase is a step for all parameters that its network uses: those its penalty does not reach have gradient 0."""

from typing import Any

import pytest
import torch
from support.tiny import tiny_trainer
from torch import Tensor

from gancore.training.step.phases import Phase
from gancore.training.trainer import Trainer

GROWING = {"start": 4, "stable_kimg": 1.0, "fade_kimg": 1.0}
UNREACHED = {"generator": "synthesis.b4.torgb.bias", "discriminator": "b4.out.bias"}
OPTIMIZERS: dict[str, dict[str, Any]] = {
    "adam": {"use": "adam", "betas": [0.5, 0.9]},
    "adam without momentum": {"use": "adam"},
    "rmsprop": {"use": "rmsprop", "lr": 1e-3},
    "sgd": {"use": "sgd", "lr": 1e-3, "momentum": 0.5},
}


def pairs(trainer: Trainer) -> list[tuple[Phase, Phase]]:
    """The main phase and the lazy one of each network."""
    lazy = [phase for phase in trainer.phases if not phase.main]
    return [(next(p for p in trainer.phases if p.network == phase.network), phase) for phase in lazy]


def given(trainer: Trainer, phase: Phase, microbatch: int | None = None) -> dict[str, Tensor]:
    """The gradients of a phase by name, where there are any."""
    trainer.gradients(phase, microbatch)
    named = trainer.networks[phase.network].named_parameters()
    return {name: p.grad.clone() for name, p in named if p.grad is not None}


@pytest.mark.parametrize("microbatch", [None, 4], ids=["whole", "microbatches"])
def test_what_a_penalty_does_not_reach_has_gradient_zero(microbatch: int | None) -> None:
    trainer = tiny_trainer()
    for main, lazy in pairs(trainer):
        used, found = given(trainer, main, microbatch), given(trainer, lazy, microbatch)
        assert used.keys() == found.keys() == dict(trainer.networks[lazy.network].named_parameters()).keys()
        assert used[UNREACHED[lazy.network]].any()
        assert not found[UNREACHED[lazy.network]].any()


def test_blocks_that_have_not_grown_have_none() -> None:
    trainer = tiny_trainer(discriminator="skip", training__growth=GROWING)
    for main, lazy in pairs(trainer):
        used, found = given(trainer, main), given(trainer, lazy)
        assert used.keys() == found.keys()
        assert UNREACHED[lazy.network] in found
        assert not [name for name in found if "b8" in name or "b16" in name]


def test_a_phase_without_a_penalty_is_no_step(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = tiny_trainer()
    monkeypatch.setattr(trainer.gan.regularizers["r1"], "penalty", lambda step: None)
    main, lazy = pairs(trainer)[-1]
    assert given(trainer, main)
    assert not given(trainer, lazy)


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_every_optimizer_makes_the_step(optimizer: dict[str, Any]) -> None:
    trainer = tiny_trainer(training__optimizer=optimizer)
    for main, lazy in pairs(trainer):
        name = UNREACHED[lazy.network]
        trainer.run_phase(main)
        before = state_of(trainer, lazy, name)
        trainer.run_phase(lazy)
        after = state_of(trainer, lazy, name)
        assert before.keys() == after.keys()
        assert [key for key, value in after.items() if not torch.equal(value, before[key])]


def state_of(trainer: Trainer, phase: Phase, name: str) -> dict[str, Tensor]:
    """A parameter and its moments, copied."""
    state = trainer.optimizers[phase.network].state()
    moments = {key: value for key, value in state.items() if key.startswith(f"{name}/")}
    return {
        key: value.clone()
        for key, value in {name: trainer.networks[phase.network].get_parameter(name), **moments}.items()
    }
