"""Sizes at which every plugin of the registry trains two steps in a moment, and experiments made of any of them."""

from collections.abc import Collection, Iterable
from typing import Any

import pytest
import torch
from support.tiny import TINY, tiny_mapping

from gancore.config import Experiment, load_experiment
from gancore.config.yaml.scalars import inline
from gancore.discovery import discover
from gancore.training.trainer import Trainer

SMALL: dict[tuple[str, str], dict[str, Any]] = {
    ("generator", "mlp"): {"hidden": [16, 16]},
    ("discriminator", "mlp"): {"hidden": [16, 16]},
    ("generator", "lapgan"): {"hidden": [16], "maps": 8},
    ("discriminator", "lapgan"): {"hidden": [16], "maps": 8},
    ("generator", "alias_free"): {"layers": 4, "margin": 2},
    ("generator", "biggan"): {"shared_dim": 8, "attention": [16]},
    ("generator", "biggan_deep"): {"shared_dim": 8, "attention": [16], "channels": {"base": 1024, "max": 64}},
    ("discriminator", "biggan"): {"attention": [8]},
    ("generator", "fastgan"): {"excitation": 4, "init_std": 0.3},
    ("discriminator", "acgan"): {"width": 2},
    ("discriminator", "projected"): {"backbone": "test_efficientnet", "weights": "random", "size": 128, "width": 4},
}
"""Options, by kind and name, of plugins that the options of `tiny.TINY` do not make small."""

ONE_SCALE: dict[str, dict[str, Any]] = {"lapgan": {"coarse": "generated"}}
"""Options of generators of several scales where the discriminator judges the finest image only."""

TABLE2 = ["original", "skip", "residual"]
"""The topologies of StyleGAN2's Table 2, of generators and of discriminators."""

FIRM: dict[str, dict[str, Any]] = {"weight_clipping": {"limit": 1}}
"""Options of regularizers whose defaults would be the end of equalized weights, which start with variance 1."""


def sampled(cases: Iterable[tuple[Any, ...]], chosen: Collection[tuple[Any, ...]]) -> list[Any]:
    """All cases as parameters of a test; those that are not chosen are slow."""
    return [case if case in chosen else pytest.param(*case, marks=pytest.mark.slow) for case in cases]


def diagonal(*axes: list[str]) -> set[tuple[str, ...]]:
    """As many combinations as the longest axis has values, in which every value of every axis occurs."""
    return {tuple(axis[i % len(axis)] for axis in axes) for i in range(max(map(len, axes)))}


def names(kind: str) -> list[str]:
    return [spec.name for spec in discover().specs(kind)]


def load(kind: str, name: str) -> Any:
    return discover().get(kind, name).load()


def normalizations(base: type) -> list[str]:
    return [name for name in names("normalization") if issubclass(load("normalization", name), base)]


def options_of(kind: str, name: str) -> dict[str, Any]:
    """The options of TINY that the plugin has, and its own that make it small."""
    known = load(kind, name).Config.model_fields
    shared = {key: value for key, value in TINY["generator"].items() if key in known}
    return shared | SMALL.get((kind, name), {})


def with_loss(name: str) -> dict[str, Any]:
    """Changes for a loss: one that requires classes has a discriminator that names them."""
    needs = [need for need in load("loss", name).requires if need.startswith("discriminator:")]
    classes = {"discriminator": {"use": "residual", "labels": "auxiliary"}, "data__labels": True}
    return {"loss": name} | (classes if needs else {})


def has_channels(kind: str, name: str) -> bool:
    return "channels" in load(kind, name).Config.model_fields


def experiment_of(generator: str, discriminator: str, *overrides: str, **changes: Any) -> Experiment:
    """TINY with other networks and a batch of 4.

    Options of TINY that they do not have are dropped, as an override of `use` does. Without styles, TINY's demodulation
    gives way to no normalization.
    """
    chosen = {"generator": generator, "discriminator": discriminator}
    uses = [f"{kind}.use={name}" for kind, name in chosen.items()]
    sizes = [
        f"{kind}.{key}={inline(value)}"
        for kind, name in chosen.items()
        for key, value in SMALL.get((kind, name), {}).items()
    ]
    if "styles" not in load("generator", generator).provides:
        sizes.append("generator.normalization=none")
    if not has_channels("generator", generator) and has_channels("discriminator", discriminator):
        sizes.append(f"discriminator.channels={inline(TINY['generator']['channels'])}")  # none to inherit
    if "pyramid" not in load("discriminator", discriminator).provides:
        sizes += [f"generator.{key}={inline(value)}" for key, value in ONE_SCALE.get(generator, {}).items()]
    defaults = {"regularizers": regularizers_for(generator, discriminator), "training__batch": 4}
    mapping = tiny_mapping(**(defaults | changes))
    return load_experiment(mapping, [*uses, *sizes, *overrides])


def regularizers_for(generator: str, discriminator: str) -> dict[str, Any]:
    """Every regularizer of the registry that these networks have what it takes for."""
    provided = {("generator", generator), ("discriminator", discriminator)}
    words = {f"{kind}:{word}" for kind, name in provided for word in load(kind, name).provides}
    return {
        name: FIRM.get(name, {}) for name in names("regularizer") if set(load("regularizer", name).requires) <= words
    }


def train_watching_gradients(trainer: Trainer, steps: int) -> dict[str, bool]:
    """For every parameter, whether it met a gradient that was not all zero; raises if one was not finite."""
    moved = {f"{n}/{k}": False for n, m in trainer.networks.items() for k, _ in m.named_parameters()}
    gradients = trainer.gradients

    def watched(phase: Any, microbatch: int | None = None) -> torch.Tensor:
        loss = gradients(phase, microbatch)
        for name, p in trainer.networks[phase.network].named_parameters():
            if p.grad is not None:
                assert torch.isfinite(p.grad).all(), f"{phase.name}: gradient of {name}"
                moved[f"{phase.network}/{name}"] |= bool(p.grad.any())
        return loss

    trainer.gradients = watched  # type: ignore[method-assign]
    for _ in range(steps):
        trainer.step()
    return moved
