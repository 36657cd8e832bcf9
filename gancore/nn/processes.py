"""Sums and means over the processes of a run, differentiable any number of times.

`mean` and `sum` are for all code that depends on the batch: layers, losses, penalties, and the hooks of a step. Each
process holds an equal part of the batch and a loss that is its share of the whole. Inside `shared(group)` layers with
batch statistics (batch norm, minibatch stddev) see the whole batch, so that the gradients, summed over processes, are
those of one process with the whole batch; outside, and in a single process, everything here is local.

The sum over processes is its own gradient: what a number adds to the sum, it adds in every process, so its gradient is
the sum of theirs. It is a Function whose backward is the Function again, so it survives the double backward of R1
and path length. torch.nn.SyncBatchNorm does not, and does not accept CPU tensors.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch import distributed as dist

_group: Any = None


@contextmanager
def shared(group: Any) -> Iterator[None]:
    """Statistics inside are those of all processes of `group` (None: of this one)."""
    global _group
    before, _group = _group, group
    try:
        yield
    finally:
        _group = before


def size() -> int:
    """Processes that share the batch now."""
    return 1 if _group is None else int(dist.get_world_size(_group))


def sum(x: Tensor) -> Tensor:
    """The sum over processes, of tensors of one shape."""
    return x if _group is None else _Sum.apply(x, _group)


def mean(x: Tensor) -> Tensor:
    """The mean over processes, of tensors of one shape."""
    return x if _group is None else sum(x) / size()


def gathered(x: Tensor, dim: int = 0) -> Tensor:
    """The parts of all processes, one after the other along `dim`."""
    if _group is None:
        return x
    parts = [torch.zeros_like(x)] * size()
    parts[dist.get_rank(_group)] = x
    return sum(torch.cat(parts, dim))


def own(whole: Tensor, dim: int = 0) -> Tensor:
    """This process's part of a `gathered` tensor."""
    return whole if _group is None else whole.chunk(size(), dim)[dist.get_rank(_group)]


class _Sum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, group: Any) -> Tensor:
        ctx.group = group
        total = x.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total, group=group)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        return _Sum.apply(gradient, ctx.group), None
