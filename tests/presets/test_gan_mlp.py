"""The first GAN: layers, maxout, dropout that repeats, bounded weights, labels."""

import copy

import pytest
import torch
from support.presets import assert_constants, composed, numbers, shrunk, small, trainer_of

from gancore.composition import compose
from gancore.config import load_experiment
from gancore.contracts import Interface
from gancore.errors import ConfigError

CONSTANTS = {  # arXiv:1406.2661 section 5, algorithm 1
    "generator.activations": ["relu"],
    "generator.output": "sigmoid",
    "discriminator.activations": ["maxout"],
    "discriminator.dropout": 0.5,
    "loss.use": "non_saturating",
    "training.optimizer.use": "sgd",
    "training.optimizer.momentum": 0.5,
    "training.optimizer.lr": 0.1,
    "training.discriminator_optimizer.lr": 0.05,
    "generator.latent": "normal",
    "discriminator.init_std": 0.003,
    "training.d_steps": 1,
}


def test_constants() -> None:
    assert_constants("gan-mlp", CONSTANTS)


def test_mlp_has_any_size_and_the_layers_it_names() -> None:
    with torch.device("meta"):
        gan = composed("gan-mlp", channels=1)
    pixels = 28 * 28
    assert numbers(gan.generator) == 100 * 1200 + 1200 + 1200 * 1200 + 1200 + 1200 * pixels + pixels
    assert numbers(gan.discriminator) == pixels * 1200 + 1200 + 240 * 1200 + 1200 + 240 + 1
    assert compose(shrunk("gan-mlp"), Interface(11, 3)).generator(torch.zeros(2, 8)).shape[2:] == (11, 11)


def test_mlp_generator_is_rectifiers_and_a_sigmoid_on_pixels_from_0_to_1() -> None:
    G = small("gan-mlp").generator
    z = torch.randn(5, 8)
    x, hidden = z, G.synthesis.hidden
    for layer in (hidden.fc0, hidden.fc1):
        x = torch.relu(x @ layer.linear.weight.T + layer.bias)
    pixels = torch.sigmoid(x @ G.synthesis.out.weight.T + G.synthesis.out.bias)
    assert torch.allclose(G(z).flatten(1), pixels * 2 - 1, atol=1e-5)


def test_maxout_is_the_greatest_of_its_pieces_and_dropout_is_off_in_evaluation() -> None:
    D = small("gan-mlp").discriminator.eval()
    image = torch.rand(5, 3, 16, 16)
    x = (image.flatten(1) + 1) / 2
    for layer in (D.hidden.fc0, D.hidden.fc1):
        pieces = (x @ layer.linear.weight.T + layer.bias).view(5, 16, 5)
        x = pieces.max(dim=2).values
    logits = x @ D.out.weight.T + D.out.bias
    assert torch.allclose(D((image,))[0], logits[:, 0], atol=1e-5)
    assert not torch.allclose(D.train()((image,))[0], logits[:, 0])


def test_dropout_is_the_same_in_the_same_step_of_another_run() -> None:
    states = []
    for _ in range(2):
        trainer = trainer_of("gan-mlp")
        trainer.step()
        torch.rand(3)  # what else is drawn in between does not matter
        trainer.step()
        states.append(copy.deepcopy(trainer.gan.discriminator.state_dict()))
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_norms_of_the_weights_stay_within_their_bound() -> None:
    trainer = trainer_of("gan-mlp", "discriminator.max_norm=0.01")
    trainer.step()
    D = trainer.gan.discriminator
    for weight in (D.hidden.fc0.linear.weight, D.hidden.fc1.linear.weight, D.out.weight):
        assert weight.norm(dim=1).max() <= 0.0101
    assert trainer.gan.generator.synthesis.hidden.fc0.linear.weight.norm(dim=1).min() > 0.0101


def test_a_label_stands_beside_latent_and_image() -> None:
    gan = small("gan-mlp", label_dim=3)
    assert gan.generator.synthesis.hidden.fc0.linear.weight.shape[1] == 8 + 3
    assert gan.discriminator.hidden.fc0.linear.weight.shape[1] == 3 * 16 * 16 + 3
    with pytest.raises(ValueError, match="labels"):
        gan.generator(torch.zeros(1, 8))


def test_mlp_refuses_a_statistic_over_pixels_it_does_not_have() -> None:
    mapping = shrunk("gan-mlp").to_dict()
    with pytest.raises(ConfigError, match="choose normalization none, batch or pixel"):
        load_experiment(mapping, ["generator.normalization=instance"])
