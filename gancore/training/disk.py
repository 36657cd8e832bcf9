"""How much room a run needs on disk, by the sizes of its networks."""

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import torch
from torch import nn

from gancore.artifacts.thinning import count
from gancore.composition import GAN
from gancore.config.sections.training import TrainingConfig
from gancore.contracts import Interface
from gancore.contracts.types import Network
from gancore.messages import bytes_text
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


def size_of(gan: GAN, interface: Interface) -> Size:
    """A checkpoint has the networks, the averaged generator, and the optimizers' moments. Works on the meta device."""
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


def files(training: TrainingConfig, size: Size) -> int:
    """Bytes of a run folder at its largest: the checkpoints that are kept and the one being written; the model, the
    best model, and the one being written; grids of samples and of real images; logs."""
    grids = count(training.kimg, training.sample_kimg, training.keep_samples) + 1
    logs = round(training.kimg / training.log_kimg * LOG_TICK)
    return (training.keep_checkpoints + 1) * size.checkpoint + 3 * size.model + grids * size.samples + logs


def disk_warnings(folder: Path, gan: GAN, interface: Interface, training: TrainingConfig) -> Iterator[str]:
    """A warning if there is less room than a run still needs."""
    need, free = still_to_write(folder, training, size_of(gan, interface)), free_bytes(folder)
    if need > free:
        yield f"warning: the run in {folder} needs {shortage(need, free)}"


def still_to_write(folder: Path, training: TrainingConfig, size: Size) -> int:
    """Bytes that a run folder is still going to grow by."""
    there = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return max(files(training, size) - there, 0)


def free_bytes(folder: Path) -> int:
    """Free bytes of the disk that a folder is on, or will be."""
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    return shutil.disk_usage(there).free


def shortage(need: int, free: int) -> str:
    """The end of a message on too little room: how much is missing, and what to do."""
    return (
        f"{bytes_text(need)}, and {bytes_text(free)} are free; keep fewer "
        "(training.keep_checkpoints, training.keep_samples), or choose another folder with --out"
    )


def _count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def _bytes(network: nn.Module, parameters_only: bool = False) -> int:
    tensors: Iterable[torch.Tensor] = network.parameters() if parameters_only else network.state_dict().values()
    return sum(t.numel() * t.element_size() for t in tensors)
