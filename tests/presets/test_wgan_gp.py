"""WGAN with gradient penalty: a critic that does not look at the batch."""

import torch
from support.presets import assert_constants, assert_five_critic_steps, small

CONSTANTS = {  # gan_cifar.py, betas of algorithm 1
    "loss.use": "wasserstein",
    "discriminator.normalization.use": "none",
    "regularizers.wgan_gp.weight": 10.0,
    "regularizers.wgan_gp.target": 1.0,
    "regularizers.wgan_gp.drift": 0.0,
    "training.d_steps": 5,
    "training.optimizer.lr": 1e-4,
    "training.optimizer.betas": [0.0, 0.9],
}


def test_constants() -> None:
    assert_constants("wgan-gp", CONSTANTS)


def test_five_critic_steps_for_each_generator_step() -> None:
    assert_five_critic_steps("wgan-gp")


def test_a_critic_with_gradient_penalty_does_not_look_at_the_batch() -> None:
    D = small("wgan-gp").discriminator
    images = torch.randn(4, 3, 16, 16)
    assert torch.allclose(D((images,))[0][:1], D((images[:1],))[0], atol=1e-6)
    assert all(layer.bias is not None for layer in (D.b16, D.b8, D.out))
