"""The sizes of a cell's networks and files, from networks on the meta device: without computing or allocating."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import get_args

import torch
from torch import nn

from gancore.artifacts.thinning import count
from gancore.composition import GAN, compose
from gancore.config import Experiment
from gancore.contracts import Interface
from gancore.contracts.types import Network
from gancore.training.samples import grid_side

PNG = 0.75
"""Bytes of a PNG file of samples per byte of its pixels."""

LOG_TICK = 1000
"""Bytes of a log tick, as a line of log.jsonl and as TensorBoard events of its values."""


@dataclass(frozen=True)
class Size:
    """Parameters of the networks; bytes of the model file, of a checkpoint and of a grid of samples."""

    generator: int
    discriminator: int
    model: int
    checkpoint: int
    samples: int

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
        samples=round(PNG * interface.channels * (grid_side(interface.resolution) * interface.resolution) ** 2),
    )


def meta_networks(experiment: Experiment, interface: Interface) -> GAN:
    """The parts of an experiment with shapes but no contents."""
    with torch.device("meta"):
        return compose(experiment, interface)


def files(experiment: Experiment, size: Size) -> int:
    """Bytes of a run folder at its largest: the checkpoints that are kept and the one being written; the model, the
    best model, and the one being written; grids of samples and of real images; logs."""
    training = experiment.training
    grids = count(training.kimg, training.sample_kimg, training.keep_samples) + 1
    logs = round(training.kimg / training.log_kimg * LOG_TICK)
    return (training.keep_checkpoints + 1) * size.checkpoint + 3 * size.model + grids * size.samples + logs


def _count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def _bytes(network: nn.Module, parameters_only: bool = False) -> int:
    tensors: Iterable[torch.Tensor] = network.parameters() if parameters_only else network.state_dict().values()
    return sum(t.numel() * t.element_size() for t in tensors)
