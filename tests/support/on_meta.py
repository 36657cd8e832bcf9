"""Training on the device `meta`, whose tensors have shapes but no values: what would go wrong on a GPU is refused.

Whatever wants a value fails there by itself: `.item()`, `bool(x)`, `.cpu()`, `x[mask]`, `nonzero`. `watched()` also
refuses what works on `meta`, but makes the host of a GPU wait, or is refused by a GPU: printing a tensor, a copy to the
device that does not say `non_blocking`, tensors of two devices in one operation, and types that a kernel does not take.
Code that asks where it runs takes the way of a GPU there: it is not on the `cpu`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from support.tiny import trainer_for
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from gancore.config import Experiment
from gancore.training.trainer import Trainer

META = torch.device("meta")
COPIES = ("_to_copy", "copy_")
ONE_TYPE = ("convolution", "convolution_backward", "mm", "bmm", "addmm", "baddbmm")
"""Kernels that take no mixture of types. An addend of another type is none of theirs to widen."""


class HostWaits(Exception):
    """The host would wait for the device here."""


class Refused(Exception):
    """A kernel of a GPU would refuse this."""


class NoWords(TorchFunctionMode):
    """Refuses to write down a tensor of the device, and to make one of numbers (their copy blocks)."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in (Tensor.__repr__, Tensor.__format__) and args[0].device == META:
            raise HostWaits("a tensor is printed")
        result = func(*args, **(kwargs or {}))
        if func in (torch.tensor, torch.as_tensor) and result.device == META and args[0] is not result:
            raise HostWaits("a copy of numbers to the device blocks")
        return result


class Kernels(TorchDispatchMode):
    """Refuses copies from the host that it waits for, mixed devices, and types that kernels do not take."""

    def __init__(self, kind: str = "meta") -> None:
        """kind: of the device that is watched."""
        super().__init__()
        self.kind = kind

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs, name = kwargs or {}, func._schema.name.partition("::")[2]
        if name in COPIES:
            result = func(*args, **kwargs)
            _check_copy(self.kind, name, args, kwargs, result)
            return result
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        _check_devices(self.kind, name, tensors)
        if name.startswith("_fused_"):
            _check_fused(name, args, kwargs)
        kinds = {t.dtype for t in tensors}
        if name in ONE_TYPE and len(kinds) > 1:
            raise Refused(f"{name} gets {_listed(kinds)}")
        return None if name == "_fused_sgd_" else func(*args, **kwargs)  # it has no kernel for `meta`


def _check_copy(kind: str, name: str, args: Any, kwargs: Any, result: Tensor) -> None:
    source = args[0] if name == "_to_copy" else args[1]
    non_blocking = kwargs.get("non_blocking", False) or (name == "copy_" and args[2:] == (True,))
    if result.device.type == kind and source.device.type == "cpu" and not non_blocking:
        raise HostWaits(f"a copy of {list(source.shape)} to the device blocks")


def _check_devices(kind: str, name: str, tensors: list[Tensor]) -> None:
    """One number of the host may be mixed with tensors of a GPU, but not in a kernel of many tensors."""
    many = "_foreach_" in name or "_fused_" in name
    devices = {t.device for t in tensors if many or t.dim() > 0 or t.device.type == kind}
    if len(devices) > 1:
        raise Refused(f"{name} gets tensors of {_listed(devices)}")


def _check_fused(name: str, args: Any, kwargs: Any) -> None:
    """Parameters, gradients and moments of one type; steps, flags and scales in float32."""
    steps = args[5] if name == "_fused_adam_" else []
    numbers = [*steps, *(kwargs.get(key) for key in ("found_inf", "grad_scale"))]
    lists = [values for values in args[:5] if isinstance(values, list) and values]
    for params, *others in zip(*lists, strict=True):
        if any(t.dtype != params.dtype for t in others):
            raise Refused(f"{name} gets {_listed({t.dtype for t in (params, *others)})}")
    if any(number is not None and number.dtype != torch.float32 for number in numbers):
        raise Refused(f"{name} gets steps or a flag that is not float32")


def _listed(things: set[Any]) -> str:
    return " and ".join(sorted(map(str, things)))


@contextmanager
def watched() -> Iterator[None]:
    """A context that raises where a GPU would make its host wait, or refuse an operation."""
    with NoWords(), Kernels():
        yield


def on_meta(experiment: Experiment) -> Trainer:
    return trainer_for(experiment, "meta")


def watched_step(experiment: Experiment) -> Trainer:
    """The second step of a run; the first one may compute what is kept."""
    trainer = on_meta(experiment)
    trainer.step()
    with watched():
        trainer.step()
    return trainer


def all_phases(trainer: Trainer) -> None:
    """Every phase once, whether it is due or not, and the end of the step."""
    trainer._grow()
    for phase in trainer.phases:
        trainer.run_phase(phase)
    trainer.end_step()


def watched_phases(experiment: Experiment) -> Trainer:
    """All phases of a trainer."""
    trainer = on_meta(experiment)
    with watched():
        all_phases(trainer)
    return trainer
