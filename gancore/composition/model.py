"""From an experiment to the parts of a GAN: networks, loss, regularizers, augmentation."""

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, get_args

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
    Optimizer,
    Plugin,
    Regularizer,
    Site,
)
from gancore.contracts.types import Network
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
    optimizers: dict[Network, Optimizer] = field(default_factory=dict)

    def modules(self) -> dict[str, nn.Module]:
        """Everything that has state, by the name it has in a checkpoint."""
        return {"generator": self.generator, "discriminator": self.discriminator, **self._beside()}

    def trained_with(self, network: Network) -> dict[str, nn.Module]:
        """The parts beside the networks whose parameters are trained with one of them, by the same names."""
        return {name: part for name, part in self._beside().items() if part.trained_with == network}

    @property
    def has_outputs(self) -> bool:
        """Whether the discriminator can return more than logits."""
        return "wanted" in inspect.signature(type(self.discriminator).forward).parameters

    def wanted(self, *parts: Plugin) -> tuple[str, ...]:
        """The words that these parts require of the discriminator."""
        needs = (need.split(":") for part in parts for need in part.requires)
        return tuple(sorted({word for kind, word in needs if kind == "discriminator"}))

    def _beside(self) -> dict[str, Regularizer | Augmentation | Loss]:
        named: dict[str, Regularizer | Augmentation | Loss]
        named = {f"regularizers.{key}": part for key, part in self.regularizers.items()}
        if self.augmentation is not None:
            named["augmentation"] = self.augmentation
        return {**named, "loss": self.loss}


def compose(experiment: ExperimentLike, interface: Interface | None = None) -> GAN:
    """Builds every part of an experiment for images of this interface (default: that of its data).

    Each part is initialised from its own seed, so changing one does not change the first weights of the others.

    Raises:
        ConfigError: the experiment has mistakes.
        PluginError: a plugin raised something, or does not keep its contract.
        DataError: `interface` is None and the data cannot be opened.
    """
    experiment = as_experiment(experiment)
    interface = interface or interface_of(compose_dataset(experiment), experiment.data.core)
    seed = experiment.training.seed
    augmentation = experiment.augmentation
    return GAN(
        generator=_generator(experiment, interface),
        discriminator=_network(experiment.discriminator, interface, seed),
        loss=_seeded(seed, "loss", experiment.loss),
        regularizers={key: _seeded(seed, f"regularizers.{key}", part) for key, part in experiment.regularizers.items()},
        augmentation=_seeded(seed, "augmentation", augmentation, interface) if augmentation else None,
        optimizers={network: _built(_optimizer_of(experiment, network)) for network in get_args(Network)},
    )


def compose_dataset(experiment: Experiment) -> Dataset:
    """The source of an experiment's images, nothing decoded yet. Raises DataError and PluginError."""
    dataset: Dataset = _built(experiment.data, experiment.base)
    return dataset


def compose_generator(experiment: Experiment, interface: Interface) -> Generator:
    """The generator alone, in evaluation mode, for weights that are loaded into it."""
    return _generator(experiment, interface).eval()


def compose_discriminator(experiment: Experiment, interface: Interface) -> Discriminator:
    """The discriminator alone, in evaluation mode, for weights that are loaded into it."""
    network: Discriminator = _network(experiment.discriminator, interface, experiment.training.seed).eval()
    return network


def _generator(experiment: Experiment, interface: Interface) -> Generator:
    generator: Generator = _network(experiment.generator, interface, experiment.training.seed)
    if experiment.latent is not None:
        generator.draws_from(_built(experiment.latent))
    return generator


def _optimizer_of(experiment: Experiment, network: Network) -> Chosen:
    """A network's own optimizer, or that of both."""
    training = experiment.training
    chosen: Chosen = getattr(training, f"{network}_optimizer") or training.optimizer
    return chosen


def _network(part: ChosenNetwork, interface: Interface, seed: int) -> Any:
    def normalize(site: Site) -> Normalization:
        normalization: Normalization = _built(part.normalization, site)
        return normalization

    with _first_weights(seed, part.kind):
        network = _built(part, interface, normalize)
        if (weights := part.weight_normalization) is not None:
            attach_weight_normalization(network, lambda shape: _built(weights, shape))
    return network


def _seeded(seed: int, name: str, part: Chosen, *context: Any) -> Any:
    with _first_weights(seed, name):
        return _built(part, *context)


@contextmanager
def _first_weights(seed: int, name: str) -> Iterator[None]:
    """A context in which torch's generator starts from a seed of this part; its state outside does not change."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(seed, "init", name))
        yield


def _built(part: Chosen, *context: Any) -> Any:
    """An instance of the plugin of a part. Raises PluginError with the mistake and its line."""
    with part.spec.blamed("cannot be built"):
        built = part.plugin(part.cfg, *context)
        found = "; ".join(flaws(built))
    if found:
        raise PluginError(f"{part.spec.title} does not keep its contract: {found}")
    return built
