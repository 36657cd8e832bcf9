"""Loss scaling: powers of two that change no gradient, halved at overflows, and kept by checkpoints."""

import math
from typing import Any

import pytest
import torch
from support.tiny import tiny_trainer
from torch import nn

import gancore.training.trainer
from gancore.nn.gradients import inner_scale, input_gradients
from gancore.training.checkpoint import restore, state_of
from gancore.training.step import scaling
from gancore.training.step.guard import Guard
from gancore.training.step.phases import Phase
from gancore.training.step.scaling import LARGEST, SMALLEST, START, LossScale
from gancore.training.step.stats import Stats
from gancore.training.trainer import Trainer

CPU = torch.device("cpu")
GOOD, BAD = torch.tensor(0.0), torch.tensor(1.0)


def with_scales(trainer: Trainer) -> Trainer:
    """As precision fp16 has it, in float32: a run in fp16 is refused on a CPU."""
    trainer.scales = {phase.name: LossScale(CPU) for phase in trainer.phases}
    return trainer


def test_gradients_are_those_without_a_scale() -> None:
    """Also those of R1 and path length: scale and division are powers of two, inside and outside the square."""
    plain, scaled = tiny_trainer(), with_scales(tiny_trainer())
    for phase in plain.phases:
        for trainer in (plain, scaled):
            trainer.gradients(phase)
        for p, q in zip(plain.optimizers[phase.network].params, scaled.optimizers[phase.network].params, strict=True):
            torch.testing.assert_close(q.grad, p.grad, rtol=1e-6, atol=1e-9, msg=phase.name)


def test_inner_gradient_that_would_vanish_in_float16() -> None:
    x = torch.ones(3, requires_grad=True)

    def y() -> torch.Tensor:
        return (x.half() * torch.tensor(2.0**-14).half()).float() * 2.0**-12

    assert not input_gradients(y(), x)[0].any()
    with inner_scale(torch.tensor(START)):
        torch.testing.assert_close(input_gradients(y(), x)[0], torch.full([3], 2.0**-26))


def test_scale_falls_and_rises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scaling, "PATIENCE", 3)
    scale, seen = LossScale(CPU), []
    for bad in (BAD, GOOD, GOOD, BAD, GOOD, GOOD, GOOD, GOOD, GOOD, GOOD):
        assert scale.follow(bad) == 0
        seen.append(float(scale.scale) / START)
    assert seen == [0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.5, 0.5, 0.5, 1.0]
    for _ in range(100):
        scale.scale *= 2
        scale.follow(GOOD)
        assert float(scale.scale) <= LARGEST


def test_overflow_is_a_divergence_only_when_no_smaller_scale_is_left() -> None:
    p = nn.Parameter(torch.zeros(2))
    p.grad = torch.full([2], float("inf"))
    guard, scale = Guard(CPU), LossScale(CPU)
    while scale.scale > SMALLEST:
        assert guard.check([p], torch.tensor(0.0), 5, scale) == 1  # this update only
        assert guard.first_bad_step() is None
    guard.check([p], torch.tensor(0.0), 7, scale)
    assert guard.first_bad_step() == 7


def test_overflow_leaves_weights_and_the_next_update_moves_them() -> None:
    trainer = with_scales(tiny_trainer())
    phase = trainer.phases[0]
    trainer.scales[phase.name].scale.fill_(float("inf"))
    params = trainer.optimizers[phase.network].params
    before = [p.detach().clone() for p in params]
    trainer.run_phase(phase)
    assert all(torch.equal(p, old) for p, old in zip(params, before, strict=True))
    assert trainer.scales[phase.name].scale <= LARGEST
    trainer.run_phase(phase)
    assert not all(torch.equal(p, old) for p, old in zip(params, before, strict=True))
    assert trainer.guard.first_bad_step() is None


def test_an_overflow_is_not_in_the_log() -> None:
    """Steps that are skipped say nothing: the means are those of the steps between, and finite."""
    plain, scaled = tiny_trainer(), with_scales(tiny_trainer())
    phase = plain.phases[0]
    scaled.scales[phase.name].scale.fill_(float("nan"))  # gradients overflow, the loss does not
    scaled.run_phase(phase)
    scaled.scales[phase.name].scale.fill_(START)
    for trainer in (plain, scaled):
        trainer._count()
        trainer.run_phase(phase)
    assert scaled.stats.read() == pytest.approx(plain.stats.read(), rel=1e-5)


def test_a_loss_that_overflows_is_not_in_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = tiny_trainer(training__precision="fp16")
    losses = gancore.training.trainer.phase_losses

    def overflowing(*args: Any) -> Any:
        found, shown = losses(*args)
        worse = torch.tensor(float("nan")) if trainer.counters.step == 1 else torch.tensor(1.0)
        return {name: value * worse for name, value in found.items()}, {n: v * worse for n, v in shown.items()}

    monkeypatch.setattr(gancore.training.trainer, "phase_losses", overflowing)
    for _ in range(3):
        trainer.step()
    assert trainer.first_bad_step() is None
    values = trainer.stats.read()
    assert {"loss/G", "loss/D", "logits/real"} <= set(values)
    assert all(math.isfinite(value) for value in values.values())


def test_a_tick_without_a_good_step_says_nothing_of_its_losses() -> None:
    stats = Stats()
    for skipped in (BAD, BAD):
        stats.begin()
        stats.add({"loss/G": torch.tensor(float("nan"))})
        stats.count(skipped)
    assert stats.read() == {}


def test_logged_means_are_weighted_by_the_share_of_microbatches() -> None:
    stats = Stats()
    for values, skipped in (((1.0, 5.0), GOOD), ((float("nan"), 7.0), BAD), ((2.0, 3.0), GOOD)):
        stats.begin()
        for value, share in zip(values, (0.25, 0.75), strict=True):
            stats.add({"loss/D": torch.tensor(value)}, share)
        stats.count(skipped)
    assert stats.read() == {"loss/D": pytest.approx((1 * 0.25 + 5 * 0.75 + 2 * 0.25 + 3 * 0.75) / 2)}
    assert stats.read() == {}


def test_checkpoint_keeps_scales() -> None:
    first, second = with_scales(tiny_trainer()), with_scales(tiny_trainer())
    first.scales["discriminator/r1"].follow(BAD)
    restore(second, *state_of(first))
    assert second.scales["discriminator/r1"].scale == START / 2
    assert second.scales["generator/main"].scale == START


def gradient(trainer: Trainer, phase: Phase) -> torch.Tensor:
    trainer.gradients(phase)
    return torch.cat([p.grad.flatten() for p in trainer.optimizers[phase.network].params if p.grad is not None])


def test_gradients_in_float16_are_near() -> None:
    """On the CPU, which computes in float16 when asked; only the command refuses it there."""
    exact, half = tiny_trainer(), tiny_trainer(training__precision="fp16")
    for phase in half.phases:
        half.scales[phase.name].scale.fill_(2.0**12)
        expected = gradient(exact, phase)
        assert (gradient(half, phase) - expected).norm() < 0.1 * expected.norm(), phase.name


def test_training_in_float16_finds_its_scales() -> None:
    trainer = tiny_trainer(training__precision="fp16")
    for _ in range(4):
        trainer.step()
    assert trainer.first_bad_step() is None
    assert trainer.scales["generator/path_length"].scale < START  # the first ones overflowed
