"""Floating point operations and memory of a training step, from shapes alone: phases run on the meta device.

It counts multiplications and additions of convolutions and matrix products (torch.utils.flop_counter's formulas),
forward, backward and double backward; the rest of a step is small.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from gancore.config import Experiment
from gancore.contracts import Interface
from gancore.cost.sizes import meta_networks
from gancore.data import DataIdentity, ImageData
from gancore.training.trainer import Trainer


@dataclass(frozen=True)
class StepCost:
    """flops: of a training step, per real image shown; lazy phases count by their share of the steps.

    memory: bytes of weights, gradients, moments, the averaged generator, and of the largest phase's activations.
    """

    flops: float
    memory: int


def step_cost(experiment: Experiment, interface: Interface) -> StepCost:
    """The cost of a step in float32, on any machine; of a growing run, a step at the full resolution."""
    trainer = _meta_trainer(experiment, interface)
    flops, activations = 0.0, 0
    for phase in trainer.phases:
        saved = _Saved()
        with _FlopCount() as count, saved_tensors_hooks(saved.pack, lambda kept: kept.tensor):
            trainer.gradients(phase)
        flops += count.total / phase.interval
        activations = max(activations, saved.largest)
    weights = {side: sum(p.numel() * 4 for p in module.parameters()) for side, module in trainer.networks.items()}
    memory = 4 * sum(weights.values()) + weights["generator"] + activations  # weights, gradients, two moments; average
    return StepCost(flops / (trainer.training.batch * trainer.training.d_steps), memory)


def phase_flops(experiment: Experiment, interface: Interface) -> dict[str, float]:
    """Operations of each phase of a step, by the phase's name."""
    trainer = _meta_trainer(experiment, interface)
    flops = {}
    for phase in trainer.phases:
        with _FlopCount() as count:
            trainer.gradients(phase)
        flops[phase.name] = float(count.total)
    return flops


def _meta_trainer(experiment: Experiment, interface: Interface) -> Trainer:
    """A trainer of the fully grown networks, in float32, without contents."""
    training = experiment.training.grown(interface.resolution).model_copy(update={"precision": "fp32"})
    gan = meta_networks(experiment, interface)
    return Trainer(gan, blank_data(interface), training, torch.device("meta"))


def blank_data(interface: Interface, count: int = 64, mirror: bool = False) -> ImageData:
    """Images of noise in the form of an interface, for measurements without data."""
    shape = (count, interface.channels, interface.resolution, interface.resolution)
    images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    labels = np.arange(count) % interface.label_dim if interface.label_dim else None
    names = [str(label) for label in range(interface.label_dim)]
    identity = DataIdentity(
        "", count, interface.resolution, interface.channels, interface.label_dim, "", None, mirror, "noise"
    )
    return ImageData(images, labels, names, identity)


class _FlopCount(TorchDispatchMode):
    """torch's own counter also hooks modules, which fails with `autograd.grad` of a leaf (R1)."""

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if (formula := flop_registry.get(func._overloadpacket)) is not None:
            self.total += formula(*args, **(kwargs or {}), out_val=out)
        return out


class _Saved:
    """Bytes saved for backward passes: `largest` at a time. Tensors that share memory count once."""

    def __init__(self) -> None:
        self.now = self.largest = 0
        self._users: Counter[int] = Counter()

    def pack(self, tensor: Tensor) -> "_Kept":
        return _Kept(self, tensor)

    def keep(self, address: int, size: int) -> None:
        self._users[address] += 1
        if self._users[address] == 1:
            self.now += size
            self.largest = max(self.largest, self.now)

    def free(self, address: int, size: int) -> None:
        self._users[address] -= 1
        if self._users[address] == 0:
            self.now -= size


class _Kept:
    """A tensor that autograd has saved."""

    def __init__(self, saved: _Saved, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        self.saved, self.tensor, self.place = saved, tensor, (storage._cdata, storage.nbytes())
        saved.keep(*self.place)

    def __del__(self) -> None:
        self.saved.free(*self.place)
