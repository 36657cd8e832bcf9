"""What the tests of the GANs before growing and styles share: their presets, composed, made small, in training.

Numbers are those of the source named beside them; where a number is from memory of a paper, the preset says so.
"""

from collections.abc import Mapping
from typing import Any

from shrinking import preset, shrunk
from tiny import trainer_for
from torch import nn

from gancore.composition import GAN, compose
from gancore.config import load_experiment
from gancore.contracts import Interface
from gancore.training.trainer import Trainer


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
