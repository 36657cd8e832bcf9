"""Phases follow from what was composed."""

from typing import Any

import pytest
import torch
from support.tiny import quick_trainer
from torch import Tensor

from gancore.config.sections.training import TrainingConfig
from gancore.contracts import PluginConfig, Regularizer
from gancore.training.step.draws import SeededDraw
from gancore.training.step.optimizers import lazy_correction
from gancore.training.step.phase_step import PhaseStep
from gancore.training.step.phases import phases_of


class Options(PluginConfig):
    interval: int = 1


class OnG(Regularizer):
    side = "generator"


class OnD(Regularizer):
    side = "discriminator"


def names(training: TrainingConfig, **regularizers: Regularizer) -> list[str]:
    return [phase.name for phase in phases_of(training, regularizers)]


def test_stylegan2_order() -> None:
    lazy = {"path_length": OnG(Options(interval=4)), "r1": OnD(Options(interval=16))}
    want = ["generator/main", "generator/path_length", "discriminator/main", "discriminator/r1"]
    assert names(TrainingConfig(), **lazy) == want
    assert names(TrainingConfig(order="d_first"), **lazy) == want[2:] + want[:2]


def test_interval_one_joins_the_main_phase() -> None:
    phases = phases_of(TrainingConfig(), {"wgan_gp": OnD(Options())})
    assert [(p.name, p.regularizers) for p in phases] == [("generator/main", ()), ("discriminator/main", ("wgan_gp",))]


def test_critic_steps_have_reals_of_their_own() -> None:
    phases = phases_of(TrainingConfig(d_steps=3), {})
    assert [p.critic_step for p in phases if p.network == "discriminator"] == [0, 1, 2]
    assert len({p.name for p in phases}) == 4


def test_lazy_correction() -> None:
    assert lazy_correction([]) == lazy_correction([1]) == 1
    assert lazy_correction([16]) == 16 / 17
    assert lazy_correction([4, 4, 1]) == 1 / 1.5


def test_reals_and_fakes_of_a_pair_are_judged_with_their_own_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer, seen = quick_trainer(data__labels=True), []
    draw = SeededDraw.whole((0, "test"), 8)
    step = PhaseStep(trainer.gan, trainer.data, trainer.reals(0).part(0, 8), draw, trainer.kimg)

    def discriminate(images: Any, label: Tensor, parts: int = 1) -> tuple[Tensor, ...]:
        seen.append(label)
        return (images[-1].mean((1, 2, 3)),)

    monkeypatch.setattr(step, "discriminate", discriminate)
    fake = step.fake
    step.compared(fake, with_reals=True)
    assert step.real_label is not None
    assert fake.label is not None
    assert not torch.equal(step.real_label, fake.label)
    assert torch.equal(seen[0], torch.cat([step.real_label, fake.label]))
