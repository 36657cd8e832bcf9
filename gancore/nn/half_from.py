"""Half precision from a resolution on: blocks below it compute in float32, even under autocast.

StyleGAN2-ADA has float16 in its four finest resolutions only (code of arXiv:2006.06676): coarse blocks cost little, and
their numbers reach every pixel. Blocks are found by their published names, `b64`.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map

from gancore.nn.precision import at_least_float32
from gancore.nn.recompute import resolution_of


def half_from(resolution: int, network: nn.Module, kind: str) -> list[str]:
    """Makes blocks below this resolution compute in float32; returns their names. `kind`: of the device."""
    found = [name for name, _ in network.named_modules() if 0 < resolution_of(name) < resolution]
    for name in found:
        block = network.get_submodule(name)
        block.forward = partial(_in_full, kind, block.forward)
    return found


def _in_full(kind: str, forward: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    args, kwargs = tree_map(lambda x: at_least_float32(x) if isinstance(x, Tensor) else x, (args, kwargs))
    with torch.autocast(kind, enabled=False):
        return forward(*args, **kwargs)
