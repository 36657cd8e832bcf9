"""The averaged generator: decay, copies, and batch statistics of its own weights."""

import pytest
import torch
from tiny import tiny_trainer

from gancore.config.training import EMA
from gancore.training.ema import ema_decay, recompute_statistics


def test_decay_is_a_half_life() -> None:
    assert ema_decay(EMA(halflife_kimg=10), 32, 0) ** (10_000 / 32) == pytest.approx(0.5)
    assert ema_decay(EMA(halflife_kimg=10), 32, 0) == pytest.approx(0.99778, abs=1e-5)  # StyleGAN2 at batch 32


def test_rampup_follows_the_images_shown() -> None:
    cfg = EMA(halflife_kimg=10, rampup=0.05)
    assert ema_decay(cfg, 32, 0) == 0
    assert ema_decay(cfg, 32, 20_000) == ema_decay(EMA(halflife_kimg=1), 32, 0)
    assert ema_decay(cfg, 32, 10_000_000) == ema_decay(EMA(halflife_kimg=10), 32, 0)


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
    recompute_statistics(trainer.ema, trainer.training.batch, trainer.training.seed)
    for name, buffer in trainer.ema.named_buffers():
        if name in first:
            assert torch.equal(buffer, first[name])
