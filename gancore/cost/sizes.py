"""The sizes of a cell's networks and files, from networks on the meta device: without computing or allocating."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import get_args

import torch
from torch import nn

from gancore.composition import GAN, compose
from gancore.config import Experiment
from gancore.contracts import Interface
from gancore.contracts.types import Network


@dataclass(frozen=True)
class Size:
    """Parameters of the networks; bytes of the model file and of a checkpoint."""

    generator: int
    discriminator: int
    model: int
    checkpoint: int

    @property
    def parameters(self) -> dict[str, int]:
        return {"generator": self.generator, "discriminator": self.discriminator}


def size_of(experiment: Experiment, interface: Interface) -> Size:
    """A checkpoint has the networks, the averaged generator, and the optimizers' moments."""
    gan = meta_networks(experiment, interface)
    model = _bytes(gan.generator)
    moments = sum(
        _bytes(module, parameters_only=True) * gan.optimizers[network].moments
        for network in get_args(Network)
        for module in (getattr(gan, network), *gan.trained_with(network).values())
    )
    return Size(
        generator=_count(gan.generator),
        discriminator=_count(gan.discriminator),
        model=model,
        checkpoint=sum(map(_bytes, gan.modules().values())) + model + moments,
    )


def meta_networks(experiment: Experiment, interface: Interface) -> GAN:
    """The parts of an experiment with shapes but no contents."""
    with torch.device("meta"):
        return compose(experiment, interface)


def files(experiment: Experiment, size: Size) -> int:
    """Bytes of a run folder at its largest: the checkpoints that are kept and the one being written; the model, the
    best model, and the one being written."""
    return (experiment.training.keep_checkpoints + 1) * size.checkpoint + 3 * size.model


def _count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def _bytes(network: nn.Module, parameters_only: bool = False) -> int:
    tensors: Iterable[torch.Tensor] = network.parameters() if parameters_only else network.state_dict().values()
    return sum(t.numel() * t.element_size() for t in tensors)
