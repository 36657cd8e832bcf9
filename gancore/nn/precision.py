"""Where autocast acts: convolutions in its dtype; styles, statistics and resampling in full precision."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

CPU_HAS_BF16 = torch.backends.mkldnn.is_available() and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def to_autocast_dtype(x: Tensor) -> Tensor:
    """`x` in the dtype of autocast, if autocast is on; float64 stays."""
    if x.dtype == torch.float64 or not _autocasts(x):
        return x
    return x.to(torch.get_autocast_dtype(x.device.type))


def full_precision(x: Tensor) -> AbstractContextManager[object]:
    """A context without autocast for the device of `x`."""
    if not _autocasts(x):
        return nullcontext()
    return torch.autocast(x.device.type, enabled=False)


def at_least_float32(x: Tensor) -> Tensor:
    """`x`, widened when it is bfloat16 or float16: sums of many squares do not fit there."""
    return x.to(wide_dtype(x))


def wide_dtype(x: Tensor) -> torch.dtype:
    """The dtype of `at_least_float32(x)`."""
    return torch.float32 if x.dtype in (torch.bfloat16, torch.float16) else x.dtype


def multiplied(kernel: Callable[..., Tensor], x: Tensor, *others: Tensor | None) -> Tensor:
    """kernel(x, *others) without casts, outside of autocast; the result may be wider than `x`.

    But it widens bfloat16 on a CPU without instructions for it, where it is ten times as slow. Such an instruction
    multiplies exactly and adds in float32, so only the order of the sum differs.
    """
    with full_precision(x):
        return kernel(*(t if t is None else _multipliable(t) for t in (x, *others)))


def _multipliable(x: Tensor) -> Tensor:
    return x.float() if x.dtype == torch.bfloat16 and x.device.type == "cpu" and not CPU_HAS_BF16 else x


def for_library(x: Tensor) -> AbstractContextManager[object]:
    """A context for layers of torch itself, which `multiplied` does not reach: no bf16 where the CPU lacks it."""
    unfit = x.device.type == "cpu" and not CPU_HAS_BF16 and torch.get_autocast_dtype("cpu") == torch.bfloat16
    return full_precision(x) if unfit else nullcontext()


def in_float16(x: Tensor) -> bool:
    """Whether convolutions of `x` compute in float16, which ends at 65504."""
    return _autocasts(x) and x.dtype != torch.float64 and torch.get_autocast_dtype(x.device.type) == torch.float16


def _autocasts(x: Tensor) -> bool:
    kind = x.device.type
    return kind != "meta" and torch.is_autocast_enabled(kind)
