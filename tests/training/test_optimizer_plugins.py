"""Optimizers are plugins: one from a file trains, resumes with equal bits, and skips bad updates."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from support.tiny import quick_experiment, quick_trainer

from gancore.config import load_experiment
from gancore.errors import ConfigError
from gancore.training.checkpoint import restore, state_of
from gancore.training.trainer import Trainer

FILE = Path(__file__).parents[1] / "fixtures" / "adamw.py"
ADAMW: dict[str, Any] = {
    "plugins": {"optimizer": {"adamw": f"{FILE}:AdamW"}},
    "training__optimizer": {"use": "adamw", "lr": 0.01, "beta2": 0.9},
}


def walked(trainer: Trainer, steps: int) -> Trainer:
    for _ in range(steps):
        trainer.step()
    return trainer


def test_one_from_a_file_trains_and_resumes_with_equal_bits() -> None:
    straight, first, second = (quick_trainer(**ADAMW) for _ in range(3))
    tensors, about = state_of(walked(first, 2))
    assert any(key.startswith("optimizer.generator/") and key.endswith("/exp_avg") for key in tensors)
    restore(second, {key: value.clone() for key, value in tensors.items()}, json.loads(json.dumps(about)))
    a, b = state_of(walked(straight, 3))[0], state_of(walked(second, 1))[0]
    assert [key for key in a if not torch.equal(a[key], b[key])] == []


def test_the_lazy_correction_reaches_it() -> None:
    """R1 every fourth step: c = 4 / 5 for the discriminator, 1 for the generator."""
    trainer = walked(quick_trainer(**ADAMW), 1)
    for network, c in (("generator", 1.0), ("discriminator", 0.8)):
        (group,) = trainer.optimizers[network].torch_optimizer.param_groups  # type: ignore[index]
        assert group["lr"] == pytest.approx(0.01 * c)
        assert group["betas"][1] == pytest.approx(0.9**c)


def test_a_bad_step_leaves_weights_and_state() -> None:
    trainer = walked(quick_trainer(**ADAMW, training__order="d_first"), 1)
    before = {key: value.clone() for key, value in state_of(trainer)[0].items()}
    p = next(trainer.gan.discriminator.parameters())
    p.requires_grad_().register_hook(lambda gradient: gradient * float("nan"))
    walked(trainer, 1)
    after = state_of(trainer)[0]
    changed = [
        key
        for key in before
        if key.startswith(("optimizer.", "discriminator/")) and not torch.equal(before[key], after[key])
    ]
    assert changed == []


def test_each_network_may_have_its_own_and_says_only_what_differs() -> None:
    experiment = quick_experiment(
        training__optimizer={"lr": 0.1, "betas": [0.5, 0.9]},
        training__generator_optimizer={"lr": 0.5},
        training__discriminator_optimizer={"use": "sgd"},
    )
    section = experiment.to_dict()["training"]
    adam = {"use": "adam", "betas": [0.5, 0.9], "eps": 1e-8, "weight_decay": 0}
    assert section["optimizer"] == {**adam, "lr": 0.1}
    assert section["generator_optimizer"] == {**adam, "lr": 0.5}
    assert section["discriminator_optimizer"] == {"use": "sgd", "lr": 0.02, "momentum": 0, "weight_decay": 0}
    assert load_experiment(experiment.to_dict()) == experiment


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ({"use": "adamx"}, "did you mean 'adam'"),
        ({"use": "sgd", "beta": 1}, "training.optimizer.beta: unknown key; .*known: lr, momentum, use, weight_decay"),
        (None, "expected NAME or {use: NAME, option: value}, got null"),
        ({"lr": -1}, "training.optimizer.lr: must be greater than or equal to 0"),
    ],
)
def test_mistakes_are_told_with_their_place(written: Any, message: str) -> None:
    mapping = quick_experiment().to_dict()
    mapping["training"]["optimizer"] = written
    with pytest.raises(ConfigError, match=message):
        load_experiment(mapping)


def test_a_mistake_that_is_merged_into_other_optimizers_is_told_once() -> None:
    mapping = quick_experiment().to_dict()
    mapping["training"] |= {"optimizer": {"lr": "lots"}, "generator_optimizer": {"eps": 1e-9}}
    with pytest.raises(ConfigError) as caught:
        load_experiment(mapping)
    assert [problem.key for problem in caught.value.problems] == ["training.optimizer.lr"]
