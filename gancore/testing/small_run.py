"""A small training around the plugin that is checked: built-in parts beside it, 16x16 pixels, batches of 4."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gancore.composition import compose
from gancore.config import Experiment, load_experiment
from gancore.config.experiment import plain
from gancore.contracts import Context, WeightNormalization
from gancore.data import ImageData
from gancore.data.images import DataIdentity
from gancore.discovery import discover
from gancore.errors import ConfigError
from gancore.registry import Registry
from gancore.testing.subject import FEW_CHANNELS, R, Subject
from gancore.training.checkpoint import restore, state_of
from gancore.training.trainer import Trainer

IMAGES, BATCH = 12, 4
CHANNELS = plain(FEW_CHANNELS)
SMALL: Mapping[str, Mapping[str, Any]] = {
    "generator": {"z_dim": 8, "w_dim": 8, "mapping": {"layers": 2}, "channels": CHANNELS},
    "discriminator": {"channels": CHANNELS, "mbstd": {"channels": 0}, "dropout": 0, "input_dropout": 0},
}
"""Options of the networks beside the plugin, as far as they have them: no statistic of a batch, and no dropout."""

BESIDE: Mapping[str, Mapping[str, Any]] = {
    "discriminator": {"r1": {"gamma": 1.0, "interval": 2}},
    "normalization": {"r1": {"gamma": 1.0, "interval": 2}},
}
"""Regularizers beside a plugin of a kind: what differentiates twice."""


class Unfit(Exception):
    """No built-in parts fit the plugin at these sizes; the reason."""


def small_trainer(subject: Subject, **training: Any) -> Trainer:
    """A trainer at step 0 whose parts are the plugin and built-in ones that fit it. Raises Unfit."""
    experiment = _experiment(subject, training)
    interface = _data(bool(experiment.data.core.labels)).interface
    data = _data(bool(experiment.data.core.labels))
    return Trainer(compose(experiment, interface), data, experiment.training, torch.device("cpu"))


def walked(trainer: Trainer, steps: int) -> Trainer:
    """The trainer some steps later."""
    for _ in range(steps):
        trainer.step()
    return trainer


def restarted(trainer: Trainer, subject: Subject) -> Trainer:
    """A new trainer with nothing but what a checkpoint of the old one holds."""
    tensors, about = state_of(trainer)
    other = small_trainer(subject)
    restore(other, {name: value.clone() for name, value in tensors.items()}, json.loads(json.dumps(about)))
    return other


def module_of(subject: Subject, trainer: Trainer) -> dict[str, torch.nn.Module]:
    """The modules of the plugin in a training, by their names."""
    modules = trainer.gan.modules()
    return {
        f"{name}/{path}".rstrip("/"): module
        for name, whole in modules.items()
        for path, module in whole.named_modules()
        if isinstance(module, subject.plugin)
    }


def _experiment(subject: Subject, training: Mapping[str, Any]) -> Experiment:
    """The first composition that the plugin's requirements allow."""
    spec = subject.spec
    registry = Registry({**discover().plugins, (spec.kind, spec.name): spec})
    refused = "it was refused with every network"
    for generator, discriminator in _networks(subject, registry):
        mapping = _mapping(subject, generator, discriminator, registry)
        mapping["training"] |= training
        try:
            return load_experiment(mapping, registry=registry)
        except ConfigError as error:
            refused = str(error)
    raise Unfit(refused)


def _networks(subject: Subject, registry: Registry) -> Iterator[tuple[str, str]]:
    """Names of generators and discriminators that provide what the plugin requires.

    The other network of the same system, which has the same name, comes first, then one that judges all images of a
    pyramid, then the usual ones.
    """
    kind, name, requires = subject.spec.kind, subject.spec.name, subject.plugin.requires
    usual = {"generator": "skip", "discriminator": "residual"}
    all_sizes = "pyramid" if "pyramid" in subject.plugin.provides else ""

    def fitting(network: str) -> list[str]:
        if kind == network:
            return [name]
        words = {need.partition(":")[2] for need in requires if need.startswith(f"{network}:")}
        names = [n for n in registry.names(network) if words <= registry.get(network, n).load().provides]
        return sorted(names, key=lambda n: (n != name, n != all_sizes, n != usual[network]))

    yield from product(fitting("generator"), fitting("discriminator"))


def _mapping(subject: Subject, generator: str, discriminator: str, registry: Registry) -> dict[str, Any]:
    kind, own = subject.spec.kind, {"use": subject.spec.name, **plain(subject.cfg)}
    made: dict[str, Any] = {
        "name": "check",
        "data": {"use": "emoji", "resolution": R, "labels": bool(subject.interface.label_dim)},
        "loss": _loss(subject, registry),
        "regularizers": dict(BESIDE.get(kind, {})),
        "training": {"batch": BATCH, "kimg": 1, "device": "cpu", "seed": 0},
    }
    for network, name in (("generator", generator), ("discriminator", discriminator)):
        known = registry.get(network, name).load()
        styled = network == "generator" and "styles" in known.provides
        options = {key: value for key, value in SMALL[network].items() if key in known.Config.model_fields}
        if "discriminator:class_logits" in subject.plugin.requires and "labels" in known.Config.model_fields:
            options["labels"] = "auxiliary"
        made[network] = {"use": name, "normalization": "demod" if styled else "none", **options}
    match kind:
        case "generator" | "discriminator":
            made[kind] = {"normalization": made[kind]["normalization"], **own}
        case "normalization":
            slot = "weight_normalization" if issubclass(subject.plugin, WeightNormalization) else "normalization"
            made["generator"][slot] = own
            if not _refuses_discriminators(subject):
                made["discriminator"][slot] = own
        case "regularizer":
            made["regularizers"]["checked"] = own
        case "optimizer":
            made["training"]["optimizer"] = own
        case _:
            made[kind] = own
    return made


def _refuses_discriminators(subject: Subject) -> bool:
    """Whether a normalization says that it works with styles only."""
    context = Context(subject.interface, subject.n, "discriminator")
    return "network:styles" in subject.plugin.requires or bool(list(subject.plugin.problems(subject.cfg, context)))


def _loss(subject: Subject, registry: Registry) -> Any:
    """The usual loss; for a discriminator with further outputs one that uses them, if there is one."""
    if subject.spec.kind == "discriminator" and (words := subject.plugin.provided_with(subject.cfg) - {"growth"}):
        for spec in registry.specs("loss"):
            needs = {need.partition(":")[2] for need in spec.load().requires if need.startswith("discriminator:")}
            if needs and needs <= words:
                return spec.name
    return "non_saturating"


@cache
def _data(labels: bool) -> ImageData:
    """Coarse random images of two classes, a bright and a dark one."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 160, (IMAGES, 3, 4, 4), dtype=np.uint8)
    classes = np.arange(IMAGES) % 2
    images = (
        np.repeat(np.repeat(coarse, R // 4, axis=2), R // 4, axis=3)
        + (classes * 90).astype(np.uint8)[:, None, None, None]
    )
    identity = DataIdentity("", IMAGES, R, 3, 2 * labels, "", None, False, "check")
    return ImageData(images, classes if labels else None, ["dark", "bright"] * labels, identity)


def difference(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> list[str]:
    """The names of tensors that are not equal, bit by bit."""
    return [name for name in one if name not in other or not torch.equal(one[name], other[name])]
