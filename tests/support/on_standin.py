"""Torch on a CUDA device that does nothing (support/standin): what CUDA's dispatch and autocast refuse on the host.

    LD_PRELOAD=... python tests/support/on_standin.py optimizers | phases KEY=VALUE ...

It is a process of its own, since the libraries of CUDA are replaced by functions that succeed. Kernels are dispatched
as on a GPU, with their checks of devices and types, and launched into nothing. Networks run on fake tensors, whose
shapes and types are those of a GPU. Nothing here is a measurement.
"""

import os
import sys
from typing import Any

import numpy as np
import torch
from support.on_meta import Kernels, NoWords, all_phases
from support.tiny import tiny_mapping
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from gancore.config import load_experiment
from gancore.data import ImageData
from gancore.data.images import DataIdentity
from gancore.discovery import discover
from gancore.training.initial import new_trainer
from gancore.training.step.optimizers import NetworkOptimizer

CUDA = torch.device("cuda")


def optimizers() -> None:
    """Restored on the device, then stepped, by the dispatch of CUDA."""
    for spec in discover().specs("optimizer"):
        plugin: Any = spec.load()
        before, after = (NetworkOptimizer(plugin(plugin.Config()), _linear(device)) for device in ("cpu", "cuda"))
        _step(before, torch.zeros(()))
        saved = before.state()
        after.load_state(saved)
        assert all(value.is_cuda for value in after.state().values()), spec.name
        _step(after, torch.zeros((), device=CUDA))
        print(spec.name, "ok")


def _linear(device: str) -> nn.Module:
    return nn.Linear(3, 2, device=device)


def _step(optimizer: NetworkOptimizer, skip: torch.Tensor) -> None:
    for p in optimizer.params:
        p.grad = torch.empty_like(p)
    optimizer.step(0, skip)


def phases(*changes: str) -> None:
    """All phases of a small training, by the autocast of CUDA."""
    torch.autograd.set_multithreading_enabled(False)
    torch.Tensor.pin_memory = lambda self, *_: self  # type: ignore[method-assign]
    nn.Module.to = _moved  # type: ignore[method-assign]
    _force_autocast()
    experiment = load_experiment(tiny_mapping(data__resolution=16), changes)
    pixels = np.zeros((16, 3, 16, 16), np.uint8)
    data = ImageData(pixels, None, [], DataIdentity("", 16, 16, 3, 0, "box", None, True, "emoji"))
    with FakeTensorMode(allow_non_fake_inputs=True):
        trainer = new_trainer(experiment, data, CUDA)
        all_phases(trainer)
        with NoWords(), Kernels("cuda"):
            all_phases(trainer)
        kinds = {p.grad.dtype for o in trainer.optimizers.values() for p in o.params if p.grad is not None}
    assert kinds == {torch.float32}, kinds
    print("phases ok", flush=True)
    os._exit(0)  # what frees made-up memory at the end may crash


def _moved(self: nn.Module, device: torch.device) -> nn.Module:
    """`Module.to`, which otherwise exchanges the data of parameters: not with fake tensors."""
    for module in self.modules():
        for key, p in module._parameters.items():
            module._parameters[key] = None if p is None else nn.Parameter(p.detach().to(device), p.requires_grad)
        for key, b in module._buffers.items():
            module._buffers[key] = None if b is None else b.to(device)
    return self


def _force_autocast() -> None:
    """torch.autocast("cuda") switches itself off without a driver."""

    class Autocast:
        def __init__(self, device_type: str, dtype: torch.dtype | None = None, enabled: bool = True) -> None:
            self.kind, self.dtype, self.enabled = device_type, dtype, enabled

        def __enter__(self) -> None:
            kind = self.kind
            self.before = (torch.is_autocast_enabled(kind), torch.get_autocast_dtype(kind))
            torch.set_autocast_dtype(kind, self.dtype or self.before[1])
            torch.set_autocast_enabled(kind, self.enabled)
            torch.set_autocast_cache_enabled(False)

        def __exit__(self, *_: object) -> None:
            torch.set_autocast_enabled(self.kind, self.before[0])
            torch.set_autocast_dtype(self.kind, self.before[1])

    torch.autocast = Autocast  # type: ignore[misc,assignment]


if __name__ == "__main__":
    {"optimizers": optimizers, "phases": phases}[sys.argv[1]](*sys.argv[2:])
