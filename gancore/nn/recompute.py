"""Gradient checkpointing: the backward pass computes activations of the highest resolutions again.

Source: arXiv:1604.06174. The same gradients, bit for bit, also those of R1 and path length: random numbers are
functions of their purpose, so the second computation sees the same ones. Blocks are found by their published names,
`b64`. A block whose forward pass changes its state (batch statistics, spectral normalization) is not recomputed:
computing it twice would move its averages twice.
"""

from functools import partial

from torch import nn
from torch.utils.checkpoint import checkpoint

from gancore.nn.layers import Weighted
from gancore.nn.statistics import RunningMoments


def recompute_from(resolution: int, network: nn.Module) -> list[str]:
    """Makes blocks of this resolution and above save only their input; returns the names of these blocks."""
    found = [name for name, module in network.named_modules() if resolution_of(name) >= resolution and _repeats(module)]
    for name in found:
        block = network.get_submodule(name)
        block.forward = partial(checkpoint, block.forward, use_reentrant=False)
    return found


def resolution_of(name: str) -> int:
    """64 for "synthesis.b64"; 0 for other names."""
    last = name.rpartition(".")[2]
    return int(last[1:]) if last[:1] == "b" and last[1:].isdecimal() else 0


def _repeats(block: nn.Module) -> bool:
    """Whether a second computation has the same result and no side effects."""
    weighted = [m for m in block.modules() if isinstance(m, Weighted)]
    plain = all(isinstance(m.weight_normalization, nn.Identity) for m in weighted)
    return plain and not any(isinstance(m, RunningMoments) for m in block.modules())
