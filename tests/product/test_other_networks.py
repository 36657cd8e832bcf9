"""Every network beside those of Table 2 trains with every normalization it can have, with labels, and in gray."""

import itertools
from collections.abc import Iterator

import pytest
import torch
from small import ONE_SCALE, TABLE2, experiment_of, load, names, normalizations, train_watching_gradients

from gancore.contracts import Context, Interface, Normalization
from gancore.training.run import new_trainer, training_data

PARTNERS = {"generator": "skip", "discriminator": "residual"}
NETWORKS = [(kind, name) for kind in PARTNERS for name in names(kind) if name not in TABLE2]


def cases() -> Iterator[tuple[str, str, str]]:
    """What a normalization needs of its network is declared; the networks that have it take it."""
    for (kind, name), normalization in itertools.product(NETWORKS, normalizations(Normalization)):
        provided = {f"network:{word}" for word in load(kind, name).provides}
        if set(load("normalization", normalization).requires) <= provided and not refused(kind, name, normalization):
            yield kind, name, normalization


def refused(kind: str, name: str, normalization: str) -> list[str]:
    """What the network has against the normalization: fully connected layers have no pixels to look at."""
    words = {"normalization": load("normalization", normalization).provides}
    plugin = load(kind, name)
    return list(plugin.problems(plugin.Config(), Context(Interface(16, 3), 8, None, words)))


def rotated() -> list[object]:
    """Every third case, each network meeting some and each normalization met by some; the others are slow tests."""
    return [case if i % 3 == 0 else pytest.param(*case, marks=pytest.mark.slow) for i, case in enumerate(cases())]


@pytest.mark.parametrize(("kind", "name", "normalization"), rotated())
def test_trains_with_every_normalization(kind: str, name: str, normalization: str) -> None:
    chosen = chosen_with(kind, name)
    experiment = experiment_of(chosen["generator"], chosen["discriminator"], f"{kind}.normalization={normalization}")
    trainer = new_trainer(experiment, training_data(experiment), torch.device("cpu"))
    moved = train_watching_gradients(trainer, steps=2)
    still = [name for name, did in moved.items() if not did]
    assert [name for name in still if not _waits_for_its_stage(load(kind, chosen[kind]).provides, name)] == []
    assert trainer.guard.first_bad_step() is None


@pytest.mark.parametrize(("kind", "name"), NETWORKS)
def test_labels_in_gray(kind: str, name: str) -> None:
    chosen = chosen_with(kind, name)
    changes = {"data__channels": 1, "data__labels": True, "training__batch": 4}
    experiment = experiment_of(chosen["generator"], chosen["discriminator"], **changes)
    trainer = new_trainer(experiment, training_data(experiment), torch.device("cpu"))
    trainer.step()
    assert trainer.guard.first_bad_step() is None
    z, label = torch.randn(2, trainer.ema.z_dim), torch.eye(9)[:2]
    image = trainer.ema(z, label)
    assert image.shape == (2, 1, 16, 16)
    assert kind == "discriminator" or not torch.equal(image, trainer.ema(z, label.flip(0)))


def chosen_with(kind: str, name: str) -> dict[str, str]:
    """A generator of all scales is judged at all of them: the partner of the others sees the finest image only."""
    if kind == "generator" and name not in ONE_SCALE and "pyramid" in load(kind, name).provides:
        return {kind: name, "discriminator": "pyramid"}
    return PARTNERS | {kind: name}


def _waits_for_its_stage(provides: frozenset[str], parameter: str) -> bool:
    """A network that grows paints and reads at every size, and uses one of them at a time (tests of growth do all)."""
    return "growth" in provides and ("rgb" in parameter)
