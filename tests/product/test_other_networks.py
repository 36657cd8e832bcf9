"""Every network beside those of Table 2 trains with every normalization it can have, with labels, and in gray."""

import itertools
from collections import Counter
from collections.abc import Iterator

import pytest
import torch
from support.small import (
    ONE_SCALE,
    TABLE2,
    experiment_of,
    load,
    names,
    normalizations,
    sampled,
    train_watching_gradients,
)
from support.tiny import trainer_for

from gancore.contracts import Context, Interface, Normalization

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


def one_for_each_network() -> set[tuple[str, str, str]]:
    """A case of every network, with a normalization that the networks before it have met least."""
    met: Counter[str] = Counter()
    chosen = set()
    for network in NETWORKS:
        case = min((case for case in cases() if case[:2] == network), key=lambda case: met[case[2]])
        met[case[2]] += 1
        chosen.add(case)
    return chosen


@pytest.mark.parametrize(("kind", "name", "normalization"), sampled(cases(), one_for_each_network()))
def test_trains_with_every_normalization_on_gray_images_with_labels(kind: str, name: str, normalization: str) -> None:
    """Without labels, in colour, and with every regularizer all of them are trained in test_crossing.py."""
    chosen = chosen_with(kind, name)
    changes = {"data__channels": 1, "data__labels": True, "regularizers": {}}
    overrides = [f"{kind}.normalization={normalization}", *loss_of_all_outputs(chosen["discriminator"])]
    experiment = experiment_of(chosen["generator"], chosen["discriminator"], *overrides, **changes)
    trainer = trainer_for(experiment)
    moved = train_watching_gradients(trainer, steps=2)
    still = [name for name, did in moved.items() if not did]
    assert [name for name in still if not _waits_for_its_stage(load(kind, chosen[kind]).provides, name)] == []
    assert trainer.guard.first_bad_step() is None
    z, label = torch.randn(2, trainer.ema.z_dim), torch.eye(9)[:2]
    image = trainer.ema(z, label)
    assert image.shape == (2, 1, 16, 16)
    assert kind == "discriminator" or not torch.equal(image, trainer.ema(z, label.flip(0)))


def loss_of_all_outputs(discriminator: str) -> list[str]:
    """The loss that trains what a discriminator gives beside logits, where one requires it."""
    plugin = load("discriminator", discriminator)
    provided = {f"discriminator:{word}" for word in plugin.provided_with(plugin.Config())}
    return [f"loss={loss}" for loss in names("loss") if set(load("loss", loss).requires) & provided][:1]


def test_every_normalization_is_sampled() -> None:
    assert {case[2] for case in one_for_each_network()} == {case[2] for case in cases()}


def chosen_with(kind: str, name: str) -> dict[str, str]:
    """A generator of all scales is judged at all of them: the partner of the others sees the finest image only."""
    if kind == "generator" and name not in ONE_SCALE and "pyramid" in load(kind, name).provides:
        return {kind: name, "discriminator": "pyramid"}
    return PARTNERS | {kind: name}


def _waits_for_its_stage(provides: frozenset[str], parameter: str) -> bool:
    """A network that grows paints and reads at every size, and uses one of them at a time (tests of growth do all)."""
    return "growth" in provides and ("rgb" in parameter)
