"""WGAN with clipped weights."""

from support.presets import assert_constants, assert_five_critic_steps, trainer_of

CONSTANTS = {  # algorithm 1
    "loss.use": "wasserstein",
    "regularizers.weight_clipping.limit": 0.01,
    "training.d_steps": 5,
    "training.optimizer.use": "rmsprop",
    "training.optimizer.lr": 5e-5,
}


def test_constants() -> None:
    assert_constants("wgan-clip", CONSTANTS)


def test_five_critic_steps_for_each_generator_step() -> None:
    assert_five_critic_steps("wgan-clip")


def test_clipped_weights_stay_within_the_limit() -> None:
    trainer = trainer_of("wgan-clip")
    trainer.step()
    assert all(p.abs().max() <= 0.01 for p in trainer.gan.discriminator.parameters())
    assert any(p.abs().max() > 0.01 for p in trainer.gan.generator.parameters())
