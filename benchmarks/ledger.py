"""Bytes that operations read and write, and floating point operations, by kind: counted when they are dispatched.

Bytes are those of distinct elements of inputs and outputs; an operation in place reads and writes. A cache is not
modelled, and neither is what a library does inside one call.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

FREE = frozenset({"empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided", "detach", "lift_fresh"})
"""Operations besides views that touch no element."""

DRAWS = frozenset({"rand", "randn", "rand_like", "randn_like", "normal_", "uniform_", "randint", "drawn"})
COPIES = frozenset({"_to_copy", "copy_", "clone", "cat"})
PRODUCTS = frozenset({"mm", "addmm", "bmm", "baddbmm"})
NETWORKS = ("convolutions", "FIR", "products", "pointwise", "reductions", "copies and casts", "custom")
KINDS = (*NETWORKS, "optimizer", "draws")
"""Rows of a table. FIR: depthwise convolutions, and resampling by an operation of a peer. Custom: its other ones."""


class Ledger(TorchDispatchMode):
    """Bytes by kind, number of operations, and multiplications and additions, of what is on the device `meta`."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes: Counter[str] = Counter()
        self.kernels = 0
        self.flops = 0
        self.whose: str | None = None
        """The kind of all operations, whatever they are; None: of each its own."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        name = func._schema.name.partition("::")[2]
        if name.startswith("convolution"):
            out = as_laid_out(out, args[:3])
        inputs = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        outputs = [leaf for leaf in tree_leaves(out) if isinstance(leaf, Tensor)]
        if not func.is_view and name not in FREE and any(t.is_meta for t in (*inputs, *outputs)):
            cost = sum({id(t): touched(t) for t in inputs}.values()) + sum(map(touched, outputs))
            self.bytes[self.whose or kind_of(func.namespace, name, args, inputs, outputs)] += cost
            self.kernels += 1
            self.flops += flops_of(name, args, inputs, outputs)
        return out


def as_laid_out(out: Any, given: Sequence[Any]) -> Any:
    """The map from a convolution in channels_last if one given is, as on CUDA; on `meta` not all are."""
    if not any(map(_is_channels_last, given)):
        return out
    if isinstance(out, Tensor):
        return out.contiguous(memory_format=torch.channels_last) if out.dim() == 4 else out
    return (None if out[0] is None else as_laid_out(out[0], given), *out[1:])


def _is_channels_last(t: Any) -> bool:
    last = torch.channels_last
    return isinstance(t, Tensor) and t.dim() == 4 and t.is_contiguous(memory_format=last) and not t.is_contiguous()


def touched(t: Tensor) -> int:
    """Bytes of a tensor's distinct elements: one that is expanded has few."""
    count = t.element_size()
    for size, stride in zip(t.shape, t.stride(), strict=True):
        count *= size if stride != 0 or size == 0 else 1
    return count


def kind_of(namespace: str, name: str, args: Any, inputs: list[Tensor], outputs: list[Tensor]) -> str:
    """One of KINDS."""
    if namespace == "traffic":
        return {"resampled": "FIR", "drawn": "draws"}.get(name, "custom")
    if name in ("convolution", "convolution_backward"):
        weight, groups = (args[1], args[8]) if name == "convolution" else (args[2], args[9])
        return "FIR" if groups > 1 and weight.shape[1] == 1 else "convolutions"
    if name in PRODUCTS:
        return "products"
    if name in COPIES:
        return "copies and casts"
    if name in DRAWS:
        return "draws"
    largest = max((t.numel() for t in inputs), default=0)
    return "reductions" if any(4 * t.numel() <= largest for t in outputs) else "pointwise"


def flops_of(name: str, args: Any, inputs: list[Tensor], outputs: list[Tensor]) -> int:
    if name == "convolution":
        weight, small = args[1], args[0] if args[6] else outputs[0]
        return 2 * small.numel() * weight[0].numel()
    if name == "convolution_backward":
        weight, small = args[2], args[1] if args[7] else args[0]
        return 2 * small.numel() * weight[0].numel() * sum(args[10][:2])
    return 2 * outputs[0].numel() * inputs[-2].shape[-1] if name in PRODUCTS else 0
