"""The state of a run as named tensors: everything a bit-identical continuation needs, in one file."""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn

from gancore.artifacts.tensors import misfits
from gancore.config.identity import Identity
from gancore.contracts import Stage
from gancore.nn.frozen import Frozen
from gancore.training.trainer import Counters, Trainer


def state_of(trainer: Trainer, identity: Identity | None = None) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors ("generator/synthesis.b4.const", "optimizer.generator/.../exp_avg"); counters, and whose they are."""
    tensors = {
        f"{name}/{key}": value
        for name, module in modules_of(trainer).items()
        for key, value in module.state_dict().items()
    }
    for network, optimizer in trainer.optimizers.items():
        tensors |= {f"optimizer.{network}/{key}": value for key, value in optimizer.state().items()}
    for name, scale in trainer.scales.items():
        tensors |= {f"scale.{name}/{key}": value for key, value in scale.state().items()}
    tensors |= {f"stats/{name}": pair for name, pair in trainer.stats.state().items()}
    about = {
        "kind": "checkpoint",
        "counters": trainer.counters.to_dict(),
        "threads": torch.get_num_threads(),
        "stage": trainer.stage and asdict(trainer.stage),
        **(identity.to_dict() if identity else {}),
    }
    return tensors, about


def modules_of(trainer: Trainer) -> dict[str, nn.Module]:
    """Everything whose state a checkpoint has, by the name it has there."""
    return {**trainer.gan.modules(), "ema": trainer.ema}


def misfits_of(
    identity: Identity | None, modules: Mapping[str, nn.Module], tensors: dict[str, Tensor], about: Mapping[str, Any]
) -> Iterator[str]:
    """What a checkpoint is of, if not of a run with this identity and these modules: "other networks: ..."."""
    if identity and (wrong := identity.differences(about)):
        more = f"; and {len(wrong) - 10} more" if len(wrong) > 10 else ""
        yield f"another experiment (there -> here): {'; '.join(wrong[:10])}{more}"
        return
    unlike = [
        f"{name}: {each}"
        for name, module, state in _states(modules, tensors)
        for each in misfits(module.state_dict(), state)
    ]
    if unlike:
        yield f"other networks: {'; '.join(unlike)}"


def restore(trainer: Trainer, tensors: dict[str, Tensor], about: dict[str, Any]) -> None:
    """Restores a state from `state_of` in a trainer of the same experiment."""
    torch.set_num_threads(about["threads"])
    for _, module, state in _states(modules_of(trainer), tensors):
        module.load_state_dict(state)
    for network, optimizer in trainer.optimizers.items():
        optimizer.load_state(under(f"optimizer.{network}/", tensors))
    for name, scale in trainer.scales.items():
        scale.load_state(under(f"scale.{name}/", tensors))
    trainer.stats.load_state(under("stats/", tensors), trainer.device)
    trainer.counters = Counters(**about["counters"])
    trainer.stage = Stage(**about["stage"]) if about.get("stage") else None


def unsaved(trainer: Trainer) -> list[str]:
    """Plain attributes of plugins that hold tensors, which no checkpoint has: "regularizers.mine (Mine): history".

    Tensors in lists, mappings and modules that are no submodules count as well; views of parameters and buffers do not.
    """
    modules = trainer.gan.modules()
    saved = {_storage(t) for module in modules.values() for t in (*module.parameters(), *module.buffers())}
    return [
        f"{'/'.join(filter(None, (name, path)))} ({type(module).__name__}): {attribute}"
        for name, whole in modules.items()
        for path, module in whole.named_modules()
        if not isinstance(module, Frozen)  # it hides its network: a checkpoint has the hash
        for attribute, value in vars(module).items()
        if attribute not in OF_EVERY_MODULE and any(_storage(t) not in saved for t in _tensors(value))
    ]


OF_EVERY_MODULE = frozenset(vars(nn.Module()))
"""Attributes of all modules in PyTorch: its tables of parameters, buffers, submodules and hooks."""


def _tensors(value: Any) -> Iterator[Tensor]:
    """All tensors in an attribute's value."""
    match value:
        case Tensor():
            yield value
        case nn.Module():
            yield from (*value.parameters(), *value.buffers())
        case Mapping():
            yield from chain.from_iterable(map(_tensors, value.values()))
        case list() | tuple() | set() | frozenset() | deque():
            yield from chain.from_iterable(map(_tensors, value))


def _storage(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def _states(
    modules: Mapping[str, nn.Module], tensors: dict[str, Tensor]
) -> Iterator[tuple[str, nn.Module, dict[str, Tensor]]]:
    """Name, module and state of all that a checkpoint restores."""
    for name, module in modules.items():
        state = under(f"{name}/", tensors)
        if state or name != "loss":  # older checkpoints have no state of losses
            yield name, module, state


def under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names start with a prefix, without it."""
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
