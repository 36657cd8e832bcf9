"""Training while the networks grow: what a step sees, what it leaves alone, and that a stop leaves no trace."""

import copy
import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.fakes import made
from support.killing import run_child
from support.tiny import assert_equal_bits, tiny_experiment, tiny_trainer, walked
from torch import Tensor
from torch.nn import functional as F

from gancore.artifacts import RunFolder, load
from gancore.artifacts.tensors import load_tensors
from gancore.contracts import Generator, Stage
from gancore.discovery import discover
from gancore.errors import RunError
from gancore.evaluation import Generated
from gancore.training import train
from gancore.training.checkpoint import restore, state_of
from gancore.training.samples import generate
from gancore.training.step.draws import SeededDraw, data_order
from gancore.training.step.phase_step import PhaseStep
from gancore.training.trainer import Trainer

GROWTH = {"start": 4, "stable_kimg": 0.016, "fade_kimg": 0.032, "batch": {16: 4}}
GROWING: dict[str, Any] = {"discriminator": "skip", "training__growth": GROWTH}
PLAIN: dict[str, Any] = {**GROWING, "regularizers": {}}
SMALL = {"z_dim": 8, "channels": {"base": 64, "max": 8}, "normalization": "pixel"}
BOX = {"resampling": "box", "resample_filter": None}  # halves by averaging, as reals are
# Stages of the first steps: three at 4x4, three of a fade and three more at 8x8, then a fade in steps of 4 images.
STAGES = [
    *[Stage(4)] * 3,
    *[Stage(8, alpha) for alpha in (0.25, 0.5, 0.75)],
    *[Stage(8)] * 3,
    *[Stage(16, alpha / 8) for alpha in range(2, 8)],
    *[Stage(16)] * 3,
]
GROWERS = {
    kind: [spec.name for spec in discover().specs(kind) if "growth" in spec.load().provides]
    for kind in ("generator", "discriminator")
}


def phase_step(trainer: Trainer, stage: Stage, n: int = 4) -> PhaseStep:
    draw = SeededDraw.whole((0, "test"), n)
    return PhaseStep(trainer.gan, trainer.data, trainer.reals(0).part(0, n), draw, trainer.kimg, stage)


def blocks_beyond(names: Any, resolution: int) -> list[str]:
    """Names of state that belongs to blocks of a higher resolution: "synthesis.b16.conv0.weight"."""
    parts = {name: [part for part in name.split(".") if part[0] == "b" and part[1:].isdigit()] for name in names}
    return [name for name, found in parts.items() if any(int(part[1:]) > resolution for part in found)]


# -- the schedule -------------------------------------------------------------------------------------------------


def test_steps_follow_the_schedule_and_no_image_is_skipped_or_shown_twice() -> None:
    trainer = tiny_trainer(**PLAIN)
    stages, shown = [], []
    for _ in STAGES:
        batch = trainer.reals(0)
        assert len(batch.indices) == trainer.batch
        shown.append(batch.indices)
        trainer.step()
        stages.append(trainer.stage)
    assert stages == STAGES
    assert [len(indices) for indices in shown] == [8] * 9 + [4] * 9
    assert trainer.counters.nimg == 9 * 8 + 9 * 4
    assert np.array_equal(np.concatenate(shown), data_order(0, len(trainer.data), 0, trainer.counters.nimg))


def test_critic_steps_see_images_of_their_own() -> None:
    trainer = tiny_trainer(**PLAIN, training__d_steps=2)
    shown = []
    for _ in range(12):
        shown += [trainer.reals(critic_step).indices for critic_step in (0, 1)]
        trainer.step()
    assert trainer.stage == STAGES[11]
    assert np.array_equal(np.concatenate(shown), data_order(0, len(trainer.data), 0, trainer.counters.nimg))


def test_optimizers_start_afresh_once_at_each_turn() -> None:
    trainer = tiny_trainer(**PLAIN)
    turns = [0, 3, 6, 9, 15]  # first steps of a fade, or after one
    for step in range(len(STAGES)):
        trainer.step()
        expected = step - max(turn for turn in turns if turn <= step) + 1
        for network, first in (("generator", "synthesis.b4.const"), ("discriminator", "b4.fc.weight")):
            assert trainer.optimizers[network].state()[f"{first}/step"] == expected, step


def test_rate_follows_the_resolution_and_else_the_optimizer() -> None:
    table = {"schedule": "table", "points": {0: 0.01, 0.05: 0.02}}
    growth = {**GROWTH, "lr": {8: 0.5}}
    trainer = tiny_trainer(**{**PLAIN, "training__growth": growth, "training__optimizer": {"lr": table}})
    rates = []
    for _ in STAGES:
        trainer.step()
        rates.append([group["lr"] for group in trainer.optimizers["generator"].torch_optimizer.param_groups][-1])
    assert rates == [0.01] * 3 + [0.5] * 6 + [0.02] * 9


def test_average_follows_the_batch_of_the_step() -> None:
    growth = {**GROWTH, "batch": {4: 16}}
    trainer = tiny_trainer(
        **{**PLAIN, "training__growth": growth, "training__ema": {"halflife_kimg": 0.016}}
    )  # one step of 16 images: decay 1/2
    before = trainer.ema.synthesis.b4.const.clone()
    trainer.step()
    torch.testing.assert_close(trainer.ema.synthesis.b4.const, (before + trainer.gan.generator.synthesis.b4.const) / 2)


def test_counters_can_be_taken_back_over_a_change_of_batch() -> None:
    trainer = tiny_trainer(**PLAIN)
    passed = [trainer.counters.nimg]
    for _ in range(12):
        trainer.step()
        passed.append(trainer.counters.nimg)
    for step in (12, 10, 7, 0):
        trainer.rewind(step)
        assert (trainer.counters.step, trainer.counters.nimg) == (step, passed[step])


# -- what a step sees and touches ---------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", ["adam", "rmsprop", "sgd"])
def test_blocks_that_are_not_grown_are_left_alone(optimizer: str) -> None:
    options = {"use": optimizer, "lr": 1e-3, "weight_decay": 0.1}
    trainer = tiny_trainer(**GROWING, training__optimizer=options)
    before = copy.deepcopy(trainer.networks)
    walked(trainer, 5)  # in the fade to 8x8, with R1 and path length again
    for network, module in trainer.networks.items():
        old, new = before[network].state_dict(), module.state_dict()
        beyond = blocks_beyond(new, 8)
        assert beyond
        assert [name for name in beyond if not torch.equal(old[name], new[name])] == []
        assert blocks_beyond(trainer.optimizers[network].state(), 8) == []
    assert trainer.first_bad_step() is None


def test_microbatches_larger_than_the_batch_are_the_batch() -> None:
    trainer = tiny_trainer(**PLAIN, training__microbatch=8)
    trainer.counters.nimg = 100
    sizes = [(step.draw.n, share) for step, share in trainer._microbatches(trainer.phases[0], 8)]
    assert sizes == [(4, 1.0)]


def test_microbatches_give_the_gradients_of_the_batch() -> None:
    growth = {**GROWTH, "batch": {4: 16}}
    one, many = (
        tiny_trainer(
            **{
                **PLAIN,
                "training__growth": growth,
                "training__microbatch": m,
                "discriminator": {"mbstd": {"channels": 0}},
            }
            | {"discriminator__use": "skip"}
        )
        for m in (None, 4)
    )
    for phase in one.phases:
        torch.testing.assert_close(one.gradients(phase), many.gradients(phase), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("stage", [Stage(4), Stage(8, 0.25), Stage(8), Stage(16, 0.5), Stage(16)])
def test_reals_have_the_size_and_the_blend_of_the_stage(stage: Stage) -> None:
    trainer = tiny_trainer(**PLAIN)
    image = torch.rand(2, 3, 16, 16, dtype=torch.float64)
    (real,) = trainer.gan.generator.reals(image, stage)
    small = image.unflatten(3, (stage.resolution, -1)).unflatten(2, (stage.resolution, -1)).mean((3, 5))
    half = small.unflatten(3, (-1, 2)).unflatten(2, (-1, 2)).mean((3, 5))
    before = half.repeat_interleave(2, 2).repeat_interleave(2, 3)
    torch.testing.assert_close(real, stage.alpha * small + (1 - stage.alpha) * before)


def test_reals_are_continuous_where_a_fade_begins() -> None:
    reals = tiny_trainer(**PLAIN).gan.generator.reals
    image = torch.randn(2, 3, 16, 16)
    new, old = reals(image, Stage(16, 0.0))[0], reals(image, Stage(8))[0]
    assert torch.equal(F.avg_pool2d(new, 2), old)
    assert torch.equal(new, old.repeat_interleave(2, 2).repeat_interleave(2, 3))
    assert torch.equal(reals(image, Stage(16, 1.0))[0], reals(image)[0])


@pytest.mark.parametrize("generator", GROWERS["generator"])
@pytest.mark.parametrize("discriminator", GROWERS["discriminator"])
def test_a_step_is_continuous_where_a_fade_begins_and_ends(generator: str, discriminator: str) -> None:
    """The steps' own fakes and logits: at weight 0 those of the stage before, at 1 those of the plain networks."""
    trainer = tiny_trainer(
        **{**PLAIN, "generator": {**SMALL, "use": generator}, "discriminator": {**BOX, "use": discriminator}}
    )
    G, D = trainer.gan.generator, trainer.gan.discriminator

    @torch.no_grad()
    def painted(stage: Stage) -> Tensor:
        return phase_step(trainer, stage).fake.images[-1]

    @torch.no_grad()
    def judged(stage: Stage) -> Tensor:
        step = phase_step(trainer, stage)
        return step.discriminate(step.real, None)[0]

    for resolution in (8, 16):
        before, new = Stage(resolution // 2), Stage(resolution, 0.0)
        torch.testing.assert_close(painted(new), G.synthesis.upsample(painted(before)))
        torch.testing.assert_close(judged(new), judged(before))
    images = phase_step(trainer, Stage(16)).real
    torch.testing.assert_close(judged(Stage(16)), D(images)[0])
    ws = torch.randn(4, G.num_ws, G.w_dim)
    assert torch.equal(G.synthesis(ws, "const", Stage(16))[-1], G.synthesis(ws, "const")[-1])


@pytest.mark.parametrize("name", GROWERS["generator"])
def test_slots_in_use_are_those_that_reach_the_image(name: str) -> None:
    G = tiny_trainer(**{**PLAIN, "generator": {**SMALL, "use": name}}).gan.generator
    for parameter in G.synthesis.parameters():
        parameter.data.add_(0.1)  # affine layers may start at 0
    ws = torch.randn(2, G.num_ws, G.w_dim, requires_grad=True)
    for stage in (Stage(4), Stage(8, 0.5), Stage(8), Stage(16, 0.5), None):
        image = G.synthesis(ws, noise_mode="none", stage=stage)[-1]
        (gradient,) = torch.autograd.grad(image.square().sum(), ws)
        used = gradient.abs().sum((0, 2)) > 0
        assert used.tolist() == [k < G.num_ws_at(stage) for k in range(G.num_ws)], stage


def test_style_mixing_cuts_among_the_ws_in_use() -> None:
    trainer = tiny_trainer(**{**GROWING, "regularizers": {"style_mixing": {"probability": 1.0}}})
    ws = phase_step(trainer, Stage(4)).fake.ws
    first, second, *rest = ws.unbind(1)
    assert ws.shape[1] == trainer.gan.generator.num_ws == 6
    assert not torch.equal(first, second)  # two ws in use, so there is one place to cut
    assert all(torch.equal(first, other) for other in rest)


def test_every_regularizer_grows_along() -> None:
    """R1 and path length lazily, style mixing, ADA, a relativistic loss: through every stage, with finite numbers."""
    changes = {"augmentation": {"use": "ada", "interval": 1}, "loss": "relativistic"}
    trainer = walked(tiny_trainer(**{**GROWING, **changes}), len(STAGES))
    assert trainer.first_bad_step() is None
    assert all(np.isfinite(value) for value in trainer.stats.read().values())


# -- stop and go on -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def states() -> list[tuple[dict[str, Tensor], str]]:
    """The state after each of the first steps, with its description as JSON."""
    trainer, found = tiny_trainer(**GROWING), []
    for _ in range(13):
        tensors, about = state_of(trainer)
        found.append(({name: value.clone() for name, value in tensors.items()}, json.dumps(about)))
        trainer.step()
    return found


@pytest.mark.parametrize("steps", [2, 3, 4, 6, 9, 10])
def test_resumed_trainer_has_equal_bits(steps: int, states: list[tuple[dict[str, Tensor], str]]) -> None:
    """Stopped before a fade, right where it begins (after the last step before it, and after its first), inside,
    and at its end; two steps later all is equal."""
    tensors, about = states[steps]
    second = tiny_trainer(**GROWING)
    restore(second, {name: value.clone() for name, value in tensors.items()}, json.loads(about))
    assert second.stage == STAGES[steps - 1]
    assert_equal_bits(states[steps + 2][0], state_of(walked(second, 2))[0])


@pytest.mark.slow
def test_kills_inside_a_fade_leave_no_trace(tmp_path: Path) -> None:
    """Sessions of three steps each, killed: at 24, 40, 56 and 72 images, the first and the second in a fade."""
    changes = {**GROWING, "training__kimg": 0.088}
    straight, killed = tmp_path / "straight", tmp_path / "killed"
    assert run_child(straight, None, **changes) == 0
    for _ in range(3):
        assert run_child(killed, 2, **changes) == -signal.SIGKILL
    assert RunFolder(killed).checkpoints()[0].name == "checkpoint-000000.048.safetensors"
    assert run_child(killed, None, **changes) == 0
    for name in ("model.safetensors", RunFolder(straight).checkpoints()[0].name):
        (a, about), (b, also) = load_tensors(straight / name), load_tensors(killed / name)
        assert_equal_bits(a, b)
        assert about["stage"] == also["stage"] == {"resolution": 16, "alpha": 0.625}


def test_a_run_from_before_there_was_growing_goes_on(tmp_path: Path) -> None:
    run = train(tiny_experiment(training__kimg=0.016), tmp_path / "run")
    lines = run.config.read_text().splitlines(keepends=True)
    run.config.write_text("".join(line for line in lines if "growth:" not in line and "g_batches:" not in line))
    with pytest.raises(RunError, match=r"training\.growth\.start: - -> 4"):
        train(tiny_experiment(**GROWING), run.path)
    train(tiny_experiment(training__kimg=0.032), run.path)
    assert run.checkpoints()[0].name == "checkpoint-000000.032.safetensors"


# -- an unfinished model ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def unfinished(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run that ends in the middle of the first fade."""
    folder = tmp_path_factory.mktemp("growing") / "run"
    return train(tiny_experiment(**GROWING, training__kimg=0.04), folder)


def test_unfinished_model_samples_at_its_stage(unfinished: RunFolder) -> None:
    G = load(unfinished.path)
    assert G.stage == Stage(8, 0.5)
    z = torch.randn(3, G.z_dim)
    images = G(z)
    assert images.shape == (3, 3, 8, 8)
    assert torch.equal(images, G.synthesis(G.mapping(z), noise_mode="const", stage=G.stage)[-1])
    assert G.resolution == 16


def test_it_is_shown_and_judged_at_the_final_size(unfinished: RunFolder) -> None:
    G = load(unfinished.path)
    (judged,) = Generated(G).batches(0, 0, 3)
    for images in (generate(G, 4, seed=0), judged):
        assert images.shape[2:] == (16, 16)
        assert torch.equal(images, images[:, :, ::2, ::2].repeat_interleave(2, 2).repeat_interleave(2, 3))


def test_path_length_sees_the_stage_at_the_final_size(unfinished: RunFolder) -> None:
    seen: list[torch.Size] = []

    class Seen:
        def generator(self) -> Generator:
            return load(unfinished.path)

        def of_draws(self, work: Callable[[SeededDraw, None], Tensor]) -> Tensor:
            return work(SeededDraw.whole((0,), 2), None)

        def distance(self, a: Tensor, b: Tensor) -> Tensor:
            seen.append(a.shape)
            return (a - b).square().mean((1, 2, 3))

    assert made("metric", "ppl2_wend").measure(Seen())["ppl2_wend"].value > 0
    assert seen == [torch.Size((2, 3, 16, 16))]


def test_log_and_progress_say_the_stage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = train(tiny_experiment(**GROWING, training__kimg=0.064), tmp_path / "run")
    logged = [json.loads(line) for line in run.log.read_text().splitlines()]
    assert [(line["growth/resolution"], line["growth/alpha"]) for line in logged] == [
        (4, 1),
        (8, 0.25),
        (8, 0.75),
        (8, 1),
    ]
    said = [line for line in capsys.readouterr().err.splitlines() if "img/s" in line]
    assert ["8x8" in line for line in said] == [False, True, True, True]
    assert ["alpha 0.25" in line for line in said] == [False, True, False, False]
