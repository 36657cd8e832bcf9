"""Skeleton: whose files these are, in one line.

Source: the papers of the networks in them. Say here what their files do otherwise: kernels the other way round, biases
without the 1 that scales start at, labels before or after normalization.
"""

from pathlib import Path

import torch

from gancore.contracts import Format
from gancore.interop.exporting import Model, check_held
from gancore.interop.networks import Mapped, Names, Network, Snapshot, snapshot_of, style_generator
from gancore.interop.reading import Foreign

NETWORKS = ("average", "generator", "discriminator")
"""The prefix of the names of their tensors."""


class Skeleton(Format):
    """Plugin `skeleton`: torch files with a generator of StyleGAN2 under other names."""

    title = "Skeleton"
    writes = "checkpoint.pt"

    def recognises(self, head: Foreign) -> bool:
        return "average" in head.keys and "average.painter.b4.const" in head.arrays

    def read(self, file: Foreign) -> Snapshot:
        return snapshot_of(file.arrays, NETWORKS, generator_of, None)

    def write(self, model: Model, out: Path) -> None:
        check_held(model, {"skip"}, {"z_dim", "w_dim", "channels.base", "channels.max", "mapping.layers"})
        torch.save({"average": {theirs(name): x for name, x in model.generator.state_dict().items()}}, out)


def generator_of(names: Names) -> Network:
    """A generator; sizes and topology follow from the shapes. Raises CheckpointError where tensors are missing."""
    mapped: Mapped = {name.replace("painter.", "synthesis."): names.take(name) for name in names}
    names.done()  # there are no unknown tensors
    return style_generator(mapped, "skip")


def theirs(name: str) -> str:
    """Our name of a tensor to theirs."""
    return name.replace("synthesis.", "painter.")
