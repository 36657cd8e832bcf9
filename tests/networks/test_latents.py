"""Kind `latent`: laws in closed form, and an experiment that chooses one draws from it everywhere."""

import copy
import math
import pickle
from pathlib import Path

import pytest
import torch
from support.fakes import FakeDraw
from support.small import load, names
from support.tiny import QUICK, tiny_experiment, tiny_trainer
from torch import Tensor

import gancore
from gancore.composition import compose
from gancore.contracts import Interface, Latent
from gancore.training.step.draws import SeededDraw


def drawn(name: str, n: int = 4000, size: int = 16, **options: float) -> Tensor:
    plugin = load("latent", name)
    latents: Tensor = plugin(plugin.Config(**options)).sample(SeededDraw.whole((0, "test"), n), size)
    return latents


def test_moments_are_those_of_the_laws() -> None:
    limit = 1.0
    density, mass = math.exp(-0.5) / math.sqrt(2 * math.pi), math.erf(math.sqrt(0.5))
    squares = {"normal": 1, "uniform": 1 / 3, "sphere": 1, "truncated_normal": 1 - 2 * limit * density / mass}
    assert set(squares) == set(names("latent"))
    for name, square in squares.items():
        z = drawn(name, **({"limit": limit} if name == "truncated_normal" else {}))
        assert z.dtype == torch.float32
        assert float(z.mean()) == pytest.approx(0, abs=0.01)
        assert float(z.square().mean()) == pytest.approx(square, rel=0.03)


def test_a_sphere_has_one_radius_and_truncation_a_limit() -> None:
    torch.testing.assert_close(drawn("sphere").square().mean(1), torch.ones(4000))
    assert drawn("truncated_normal", limit=0.5).abs().max() <= 0.5
    torch.testing.assert_close(
        drawn("truncated_normal", limit=0.01).square().mean(), torch.tensor(0.01**2 / 3), rtol=0.03, atol=0
    )
    extreme = FakeDraw(2, given={"z": torch.tensor([[0.0], [1 - 2**-24]])})
    plugin = load("latent", "truncated_normal")
    assert plugin(plugin.Config(limit=8)).sample(extreme, 1).isfinite().all()


@pytest.mark.parametrize("name", names("latent"))
def test_a_chosen_latent_is_drawn_everywhere(name: str) -> None:
    trainer = tiny_trainer(**QUICK, latent=name, generator__latent="normal")
    draw = SeededDraw.whole((3,), 5)
    chosen = load("latent", name)
    want = chosen(chosen.Config()).sample(draw, trainer.gan.generator.z_dim)
    for G in (trainer.gan.generator, trainer.ema, copy.deepcopy(trainer.gan.generator)):
        assert torch.equal(G.sample_z(draw), want)
    trainer.step()


def test_normal_is_what_is_drawn_without_and_the_key_alone_changes_the_experiment() -> None:
    plain, chosen = tiny_experiment(), tiny_experiment(latent="normal")
    draw = SeededDraw.whole((3,), 5)
    z = [compose(experiment, Interface(16, 3)).generator.sample_z(draw) for experiment in (plain, chosen)]
    assert torch.equal(*z)
    assert "latent" not in plain.to_dict()
    assert "latent" not in plain.identity()
    assert chosen.to_dict()["latent"] == {"use": "normal"}


def test_a_model_file_draws_from_it(tmp_path: Path) -> None:
    experiment = tiny_experiment(**QUICK, latent={"use": "truncated_normal", "limit": 0.1}, training__kimg=0.008)
    gancore.train(experiment, tmp_path / "run")
    G = gancore.load(tmp_path / "run")
    assert G.sample_z(SeededDraw.whole((0,), 100)).abs().max() <= 0.1


def test_a_latent_can_be_pickled_with_its_generator() -> None:
    latent: Latent = load("latent", "sphere")(load("latent", "sphere").Config())
    assert isinstance(pickle.loads(pickle.dumps(latent)), Latent)
