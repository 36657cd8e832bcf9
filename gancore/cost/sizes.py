"""The sizes of a cell's networks and files, from networks on the meta device: without computing or allocating."""

import torch

from gancore.composition import GAN, compose
from gancore.config import Experiment
from gancore.contracts import Interface
from gancore.training import disk
from gancore.training.disk import Size


def size_of(experiment: Experiment, interface: Interface) -> Size:
    """The sizes of an experiment for images of one kind."""
    return disk.size_of(meta_networks(experiment, interface), interface)


def meta_networks(experiment: Experiment, interface: Interface) -> GAN:
    """The parts of an experiment with shapes but no contents."""
    with torch.device("meta"):
        return compose(experiment, interface)
