"""Activations by layer name: hooks on modules, so that no network's code is changed for them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor, nn

from gancore.contracts import Edit, Layer
from gancore.errors import GancoreError, did_you_mean


@torch.no_grad()
def map_layers(network: nn.Module, run: Callable[[], object], channels: int) -> list[Layer]:
    """The layers of a network that return maps [N, C, H, W] while `run` runs it, in the order of computation.

    These are the innermost modules that have parameters and return maps. `channels` are those of an image.
    """
    found: dict[str, Tensor] = {}

    def listen(name: str) -> Callable[[nn.Module, object, object], None]:
        def hook(module: nn.Module, inputs: object, output: object) -> None:
            if isinstance(output, Tensor) and output.ndim == 4:
                found.setdefault(name, output)

        return hook

    with ExitStack() as hooks:
        for name, module in network.named_modules():
            if name and any(True for _ in module.parameters()):
                hooks.callback(module.register_forward_hook(listen(name)).remove)
        run()
    innermost = [name for name in found if not any(other.startswith(f"{name}.") for other in found)]
    return [
        Layer(name, found[name].shape[2], found[name].shape[1], found[name].shape[1] == channels) for name in innermost
    ]


@contextmanager
def tapped(
    network: nn.Module, names: Iterable[str], edits: Mapping[str, Edit] | None = None
) -> Iterator[dict[str, Tensor]]:
    """A block in which the outputs of named modules are kept, the last of each, and changed by `edits` before.

    Raises GancoreError for a name that the network does not have.
    """
    seen: dict[str, Tensor] = {}
    edits = edits or {}

    def listen(name: str) -> Callable[[nn.Module, object, Tensor], Tensor | None]:
        def hook(module: nn.Module, inputs: object, output: Tensor) -> Tensor | None:
            changed = edits[name](output) if name in edits else None
            seen[name] = output if changed is None else changed
            return changed

        return hook

    modules = dict(network.named_modules())
    with ExitStack() as hooks:
        for name in dict.fromkeys([*names, *edits]):
            if name not in modules:
                raise GancoreError(f"no layer {name!r}; {did_you_mean(name, filter(None, modules))}")
            hooks.callback(modules[name].register_forward_hook(listen(name)).remove)
        yield seen
