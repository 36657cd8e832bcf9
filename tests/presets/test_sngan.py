"""SNGAN: sizes, spectral norm of every weight of the discriminator, order of calls, batches of a generator step."""

import pytest
import torch
from support.presets import assert_constants, assert_five_critic_steps, composed, numbers, small, trainer_of
from torch import Tensor

from gancore.nn.layers import Weighted

CONSTANTS = {  # configs of the published code
    "loss.use": "hinge",
    "discriminator.weight_normalization.use": "spectral",
    "discriminator.weight_normalization.eps": 1e-12,
    "generator.weight_normalization": None,
    "training.batch": 64,
    "training.d_steps": 5,
    "training.g_batches": 2,
    "training.optimizer.lr": 2e-4,
    "training.optimizer.betas": [0.0, 0.9],
}


def test_constants() -> None:
    assert_constants("sngan", CONSTANTS)


def test_five_critic_steps_for_each_generator_step() -> None:
    assert_five_critic_steps("sngan")


def test_sngan_networks_are_those_of_the_paper() -> None:
    """CIFAR-10: G 256 maps throughout, D 128, halved to 8x8, two flat blocks; 3x3 and 1x1 convolutions."""
    with torch.device("meta"):
        gan = composed("sngan")
    g_convs = 6 * 9 * 256 * 256 + 3 * 256 * 256
    g_norms = 7 * 2 * 256
    assert numbers(gan.generator) == (128 + 1) * 256 * 16 + g_convs + g_norms + 9 * 256 * 3 + 3
    first = 9 * 3 * 128 + 9 * 128 * 128 + 3 * 128
    d_convs = first + 6 * 9 * 128 * 128 + 128 * 128
    assert numbers(gan.discriminator) == d_convs + 8 * 128 + 128 + 1


def test_sngan_normalizes_every_weight_of_the_discriminator_and_none_of_the_generator() -> None:
    gan = small("sngan")
    layers = [m for m in gan.discriminator.modules() if isinstance(m, Weighted)]
    assert layers
    for layer in layers:
        for _ in range(30):
            weight = layer.effective_weight()
        assert torch.linalg.matrix_norm(weight.flatten(1), 2).item() == pytest.approx(1, rel=0.05)
    assert not any(hasattr(m.weight_normalization, "u") for m in gan.generator.modules() if isinstance(m, Weighted))


def test_residual_blocks_begin_with_statistic_and_activation() -> None:
    gan = small("sngan")
    calls: list[str] = []
    for network in (gan.generator.synthesis, gan.discriminator):
        for name, module in network.named_modules():
            if name.rpartition(".")[2] in ("act0", "conv0", "act1", "conv1", "act", "skip"):
                module.register_forward_hook(lambda *_, name=name: calls.append(name))
    gan.discriminator((gan.generator.train()(torch.randn(4, 8)),))
    inner = ["act0", "conv0", "act1", "conv1", "skip"]
    generator = [f"{block}.{step}" for block in ("b8", "b16") for step in inner]
    first = [f"b16.{step}" for step in inner[1:]]
    flat = [f"flat{i}.{step}" for i in range(2) for step in inner[:-1]]
    assert calls == [*generator, "act", *first, *flat, "act"]


def test_a_generator_step_of_sngan_averages_over_two_batches() -> None:
    trainer = trainer_of("sngan")
    phase = trainer.phases[-1]
    batches: list[Tensor] = []
    trainer.gan.generator.synthesis.register_forward_pre_hook(lambda _, args: batches.append(args[0]))
    logits: list[Tensor] = []
    trainer.gan.discriminator.register_forward_hook(lambda _, args, out: logits.append(out[0]))
    loss = trainer.gradients(phase)
    assert [len(batch) for batch in batches] == [4, 4]
    assert not torch.equal(*batches)
    assert torch.allclose(loss, -torch.cat(logits).mean())
