"""From an experiment to the parts of a GAN: networks, loss, regularizers, augmentation."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from gancore.config import Experiment, Source, as_experiment
from gancore.config.experiment import NetworkPart
from gancore.contracts import (
    Augmentation,
    Dataset,
    Discriminator,
    Generator,
    Interface,
    Loss,
    Normalization,
    Regularizer,
    Site,
)
from gancore.data import interface_of
from gancore.nn import attach_weight_normalization
from gancore.seeds import seed_of


@dataclass
class GAN:
    """The composed parts of an experiment, on the CPU, in training mode."""

    generator: Generator
    discriminator: Discriminator
    loss: Loss
    regularizers: dict[str, Regularizer]
    augmentation: Augmentation | None

    def modules(self) -> dict[str, nn.Module]:
        """Everything that has state, by the name it has in a checkpoint."""
        named: dict[str, nn.Module] = {"generator": self.generator, "discriminator": self.discriminator}
        named |= {f"regularizers.{key}": part for key, part in self.regularizers.items()}
        return named | ({"augmentation": self.augmentation} if self.augmentation else {})


def compose(experiment: Source, interface: Interface | None = None) -> GAN:
    """Builds every part of an experiment for images of this interface (default: that of its data).

    Each network is initialised from its own seed, so changing one leaves the first weights of the other alone.

    Raises:
        ConfigError: the experiment has mistakes.
        DataError: the interface was not given and the data cannot be opened.
    """
    experiment = as_experiment(experiment)
    interface = interface or interface_of(compose_dataset(experiment), experiment.data.core)
    seed = experiment.training.seed
    augmentation = experiment.augmentation
    return GAN(
        generator=_network(experiment.generator, interface, seed),
        discriminator=_network(experiment.discriminator, interface, seed),
        loss=experiment.loss.plugin(experiment.loss.cfg),
        regularizers={key: part.plugin(part.cfg) for key, part in experiment.regularizers.items()},
        augmentation=augmentation.plugin(augmentation.cfg, interface) if augmentation else None,
    )


def compose_dataset(experiment: Experiment) -> Dataset:
    """The source of an experiment's images, nothing decoded yet. Raises DataError."""
    return experiment.data.plugin(experiment.data.cfg, experiment.base)


def compose_generator(experiment: Experiment, interface: Interface) -> Generator:
    """The generator alone, in evaluation mode, for weights that are loaded into it."""
    return _network(experiment.generator, interface, experiment.training.seed).eval()


def _network(part: NetworkPart, interface: Interface, seed: int) -> Any:
    def normalize(site: Site) -> Normalization:
        return part.normalization.plugin(part.normalization.cfg, site)

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(seed, "init", part.kind))
        network = part.plugin(part.cfg, interface, normalize)
        if (weights := part.weight_normalization) is not None:
            attach_weight_normalization(network, lambda shape: weights.plugin(weights.cfg, shape))
    return network
