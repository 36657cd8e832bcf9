"""The averaged generator: decay, copies, and batch statistics of its own weights."""

from pathlib import Path
from typing import Any

import pytest
import torch
from support.tiny import tiny_experiment, tiny_trainer
from torch.nn import functional as F

from gancore.config import load_experiment
from gancore.config.sections.training import EMA
from gancore.data.labels import LabelRows
from gancore.errors import ConfigError, RunError
from gancore.nn.statistics import recomputed_moments
from gancore.training.run import train
from gancore.training.step.draws import SeededDraw
from gancore.training.step.ema import ema_decay, recompute_statistics


def test_decay_is_a_half_life() -> None:
    assert ema_decay(EMA(halflife_kimg=10), 32, 0) ** (10_000 / 32) == pytest.approx(0.5)
    assert ema_decay(EMA(halflife_kimg=10), 32, 0) == pytest.approx(0.99778, abs=1e-5)  # StyleGAN2 at batch 32


def test_rampup_follows_the_images_shown() -> None:
    cfg = EMA(halflife_kimg=10, rampup=0.05)
    assert ema_decay(cfg, 32, 0) == 0
    assert ema_decay(cfg, 32, 20_000) == ema_decay(EMA(halflife_kimg=1), 32, 0)
    assert ema_decay(cfg, 32, 10_000_000) == ema_decay(EMA(halflife_kimg=10), 32, 0)


def test_a_fixed_decay_takes_the_place_of_the_half_life() -> None:
    cfg = EMA(decay=0.999)
    assert cfg.halflife_kimg is None
    assert {ema_decay(cfg, batch, nimg) for batch in (1, 512) for nimg in (0, 10_000_000)} == {0.999}


@pytest.mark.parametrize(
    ("ema", "told"),
    [
        ({"decay": 0.999, "halflife_kimg": 10}, "decay and halflife_kimg exclude each other; set one of them to null"),
        ({"decay": 0.999, "rampup": 0.05}, "decay and rampup exclude each other"),
        ({"halflife_kimg": None}, r"there must be a halflife_kimg \(0: no averaging\) or a decay"),
    ],
)
def test_decay_and_half_life_exclude_each_other(ema: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=rf"training\.ema: {told}"):
        tiny_experiment(training__ema=ema)


def test_a_resolved_experiment_with_a_decay_can_be_read_again() -> None:
    experiment = tiny_experiment(training__ema={"decay": 0.5})
    assert load_experiment(experiment.to_dict()).training == experiment.training


def test_average_of_a_fixed_decay_is_a_geometric_sum() -> None:
    """After two steps of decay d: d^2 p_0 + d (1 - d) p_1 + (1 - d) p_2."""
    trainer, d = tiny_trainer(training__ema={"decay": 0.75}), 0.75
    seen = []
    for _ in range(2):
        seen.append([p.detach().clone() for p in trainer.gan.generator.parameters()])
        trainer.step()
    for average, p0, p1, p2 in zip(trainer.ema.parameters(), *seen, trainer.gan.generator.parameters(), strict=True):
        torch.testing.assert_close(average, d**2 * p0 + d * (1 - d) * p1 + (1 - d) * p2.detach())


def test_a_run_from_before_there_was_a_decay_goes_on(tmp_path: Path) -> None:
    older = {"training__kimg": 0.016}
    train(tiny_experiment(**older), tmp_path / "run")
    config = tmp_path / "run" / "config.yaml"
    text = config.read_text()
    assert ", decay: null" in text
    config.write_text(text.replace(", decay: null", ""))
    train(tiny_experiment(training__kimg=0.024), tmp_path / "run")
    with pytest.raises(RunError, match=r"training\.ema\.decay: None -> 0\.9"):
        train(tiny_experiment(training__ema={"decay": 0.9}, **older), tmp_path / "run")


def test_an_identity_without_a_decay_is_that_from_before() -> None:
    assert "decay" not in tiny_experiment().identity()["training"]["ema"]
    assert tiny_experiment(training__ema={"decay": 0.9}).identity()["training"]["ema"]["decay"] == 0.9


def test_average_follows_parameters_and_copies_buffers() -> None:
    trainer = tiny_trainer(training__ema={"halflife_kimg": 0.008})  # one step: decay 1/2
    before = {name: p.clone() for name, p in trainer.ema.named_parameters()}
    trainer.step()
    now = dict(trainer.gan.generator.named_parameters())
    for name, p in trainer.ema.named_parameters():
        torch.testing.assert_close(p, (before[name] + now[name].detach()) / 2)
    assert torch.equal(trainer.ema.mapping.w_avg, trainer.gan.generator.mapping.w_avg)
    assert trainer.ema.mapping.w_avg.any()


@pytest.mark.parametrize("normalization", ["batch", "bin"])
def test_batch_statistics_are_those_of_the_averaged_weights(normalization: str) -> None:
    trainer = tiny_trainer(generator__normalization=normalization)
    for _ in range(2):
        trainer.step()
    followed = {k: v.clone() for k, v in trainer.ema.named_buffers() if "running" in k}
    assert followed
    average = trainer.averaged()
    own = {k: v.clone() for k, v in average.named_buffers() if "running" in k}
    assert not any(torch.equal(own[k], followed[k]) for k in own)
    assert all(torch.equal(v, own[k]) for k, v in trainer.averaged().named_buffers() if k in own), "seeded"
    assert not any(module.training for module in average.modules())


def test_statistics_are_plain_averages_over_the_batches() -> None:
    """With eight batches the result is their mean, whatever stood there before."""
    trainer = tiny_trainer(generator__normalization="batch")
    trainer.averaged()
    first = {k: v.clone() for k, v in trainer.ema.named_buffers() if "running" in k}
    for name, buffer in trainer.ema.named_buffers():
        if name in first:
            buffer.fill_(1e6)
    recompute_statistics(trainer.ema, None, trainer.training.batch, trainer.training.seed)
    for name, buffer in trainer.ema.named_buffers():
        if name in first:
            assert torch.equal(buffer, first[name])


def test_batch_statistics_see_classes_as_often_as_the_data_have_them() -> None:
    """Where all images are of one class, the statistics are those of fakes of that class."""
    trainer = tiny_trainer(generator__normalization="batch", data__labels=True)
    G, rows = trainer.ema, trainer.data.label_rows
    assert rows is not None
    trainer.data.label_rows = LabelRows(torch.full((10,), 3), rows.label_dim)
    of_the_data = {k: v.clone() for k, v in trainer.averaged().named_buffers() if "running" in k}
    assert of_the_data
    with torch.no_grad(), recomputed_moments(G):
        for k in range(8):
            draw = SeededDraw.whole((trainer.training.seed, "statistics", k), trainer.batch)
            G.sample(draw, F.one_hot(torch.full((trainer.batch,), 3), rows.label_dim).float())
    for name, value in G.named_buffers():
        if name in of_the_data:
            torch.testing.assert_close(value, of_the_data[name])
