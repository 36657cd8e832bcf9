"""Presets of the papers: as they are shipped, composed, and made small (same plugins and schedule, tiny networks).

A new preset needs nothing here as long as its plugins have the usual options. Those that have others say how they are
made small in `small.SMALL`, by kind and name.
"""

from collections.abc import Mapping
from typing import Any

from support.small import SMALL, load
from support.tiny import trainer_for
from torch import nn

from gancore.composition import GAN, compose
from gancore.config import Experiment, load_experiment
from gancore.contracts import Interface
from gancore.presets import preset_names
from gancore.training.trainer import Trainer

PRESETS = preset_names()

USUAL: dict[str, Any] = {"z_dim": 8, "w_dim": 8, "channels": {"base": 64, "max": 8}, "attention": [8]}
"""Options that many networks have, and what makes them small."""

LABELS = 9
"""Classes of the embedded emoji."""


def preset(name: str) -> Experiment:
    """A preset by name, as it is shipped."""
    return load_experiment(f"preset:{name}")


def shrunk(name: str) -> Experiment:
    """The preset on emoji, with small networks and batch 4; one that grows has a step at half size and one fading."""
    mapping = preset(name).to_dict()
    data, training = mapping["data"], mapping["training"]
    kept = {key: data[key] for key in ("channels", "labels", "mirror")}
    mapping["data"] = {"use": "emoji", "resolution": 16, "fit": "resize", **kept}
    for kind in ("generator", "discriminator"):
        mapping[kind] |= _small_options(kind, mapping[kind])
    if training["growth"]:
        growth = {"start": 8, "stable_kimg": 0.003, "fade_kimg": 0.008, "batch": {}, "lr": {}}
        training["growth"] |= growth
    small = {"batch": 4, "microbatch": None, "kimg": 0.008, "device": "cpu", "precision": "fp32", "threads": 1}
    return load_experiment(mapping | {"training": training | small, "evaluation": None})


def _small_options(kind: str, options: dict[str, Any]) -> dict[str, Any]:
    fields = load(kind, options["use"]).Config.model_fields
    small = {name: value for name, value in USUAL.items() if name in fields}
    if "mapping" in fields:
        small["mapping"] = options["mapping"] | {"layers": 2, "features": None, "embed_features": None}
    return small | SMALL.get((kind, options["use"]), {})


def assert_constants(name: str, expected: Mapping[str, Any]) -> None:
    """The preset's options by dotted key, and what all these systems have in common."""
    options = preset(name).to_dict()
    assert options["training"]["ema"]["halflife_kimg"] == 0  # none of these papers averages weights
    assert options["training"]["order"] == "d_first"
    for key, constant in expected.items():
        value: Any = options
        for part in key.split("."):
            value = value[part]
        assert value == constant, key


def assert_five_critic_steps(name: str) -> None:
    """WGAN's, WGAN-GP's and SNGAN's: the discriminator five times, then the generator."""
    phases = trainer_of(name).phases
    assert [phase.network for phase in phases] == ["discriminator"] * 5 + ["generator"]


def composed(name: str, resolution: int | None = None, channels: int = 3, labels: int = 0) -> GAN:
    """The networks of a preset, as large as it says."""
    experiment = preset(name)
    return compose(experiment, Interface(resolution or experiment.data.core.resolution or 0, channels, labels))


def small(name: str, **options: Any) -> GAN:
    experiment = shrunk(name)
    return compose(experiment, Interface(16, 3, **options))


def trainer_of(name: str, *overrides: str) -> Trainer:
    experiment = load_experiment(shrunk(name).to_dict(), overrides)
    return trainer_for(experiment)


def numbers(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())
