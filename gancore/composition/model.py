"""From an experiment to the parts of a GAN: networks, loss, regularizers, augmentation."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from gancore.composition.contract import flaws
from gancore.config import Experiment, ExperimentLike, as_experiment
from gancore.config.experiment import Chosen, ChosenNetwork
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
from gancore.errors import PluginError
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


def compose(experiment: ExperimentLike, interface: Interface | None = None) -> GAN:
    """Builds every part of an experiment for images of this interface (default: that of its data).

    Each network is initialised from its own seed, so changing one leaves the first weights of the other alone.

    Raises:
        ConfigError: the experiment has mistakes.
        PluginError: a plugin raised something, or does not keep its contract.
        DataError: the interface was not given and the data cannot be opened.
    """
    experiment = as_experiment(experiment)
    interface = interface or interface_of(compose_dataset(experiment), experiment.data.core)
    seed = experiment.training.seed
    augmentation = experiment.augmentation
    return GAN(
        generator=_network(experiment.generator, interface, seed),
        discriminator=_network(experiment.discriminator, interface, seed),
        loss=_built(experiment.loss),
        regularizers={key: _built(part) for key, part in experiment.regularizers.items()},
        augmentation=_built(augmentation, interface) if augmentation else None,
    )


def compose_dataset(experiment: Experiment) -> Dataset:
    """The source of an experiment's images, nothing decoded yet. Raises DataError and PluginError."""
    dataset: Dataset = _built(experiment.data, experiment.base)
    return dataset


def compose_generator(experiment: Experiment, interface: Interface) -> Generator:
    """The generator alone, in evaluation mode, for weights that are loaded into it."""
    return _network(experiment.generator, interface, experiment.training.seed).eval()


def compose_discriminator(experiment: Experiment, interface: Interface) -> Discriminator:
    """The discriminator alone, in evaluation mode, for weights that are loaded into it."""
    network: Discriminator = _network(experiment.discriminator, interface, experiment.training.seed).eval()
    return network


def _network(part: ChosenNetwork, interface: Interface, seed: int) -> Any:
    def normalize(site: Site) -> Normalization:
        normalization: Normalization = _built(part.normalization, site)
        return normalization

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(seed, "init", part.kind))
        network = _built(part, interface, normalize)
        if (weights := part.weight_normalization) is not None:
            attach_weight_normalization(network, lambda shape: _built(weights, shape))
    return network


def _built(part: Chosen, *context: Any) -> Any:
    """An instance of the plugin of a part; PluginError says what is wrong with it, and in which line."""
    with part.spec.blamed("cannot be built"):
        built = part.plugin(part.cfg, *context)
        found = "; ".join(flaws(built))
    if found:
        raise PluginError(f"{part.spec.title} does not keep its contract: {found}")
    return built
