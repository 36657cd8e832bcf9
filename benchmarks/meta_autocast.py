"""Autocast on the device `meta`, which torch does not have: as that of CUDA, for types and bytes without a GPU."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from gancore.nn import precision

NARROWED: set[Any] = {
    F.linear, F.conv2d, F.conv_transpose2d, torch.conv2d, torch.conv_transpose2d, torch.matmul, torch.mm, torch.bmm,
    torch.addmm, torch.baddbmm, Tensor.matmul, Tensor.__matmul__, Tensor.mm, Tensor.bmm,
}  # fmt: skip
WIDENED: set[Any] = {
    F.softplus,
    torch.pow,
    Tensor.pow,
    Tensor.__pow__,
    torch.rsqrt,
    Tensor.rsqrt,
    torch.exp,
    Tensor.exp,
}
"""Functions that autocast of CUDA runs in its type, and some that it runs in float32 (torch's documentation of AMP)."""


class MetaAutocast:
    """`torch.autocast` on `meta`."""

    enabled = False
    dtype = torch.float32

    def __init__(self, device_type: str, dtype: torch.dtype | None = None, enabled: bool = True) -> None:
        self.wanted = (dtype or MetaAutocast.dtype, enabled and device_type == "meta")

    def __enter__(self) -> None:
        self.before = (MetaAutocast.dtype, MetaAutocast.enabled)
        MetaAutocast.dtype, MetaAutocast.enabled = self.wanted

    def __exit__(self, *_: object) -> None:
        MetaAutocast.dtype, MetaAutocast.enabled = self.before


class _Casting(TorchFunctionMode):
    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        wanted = MetaAutocast.dtype if func in NARROWED else torch.float32 if func in WIDENED else None
        if wanted is None or not MetaAutocast.enabled:
            return func(*args, **kwargs)
        return func(*(_cast(value, wanted) for value in args), **{k: _cast(v, wanted) for k, v in kwargs.items()})


def _cast(value: Any, dtype: torch.dtype) -> Any:
    floats = isinstance(value, Tensor) and value.is_floating_point() and value.dtype != torch.float64
    return value.to(dtype) if floats and value.device.type == "meta" else value


@contextmanager
def autocast_on_meta() -> Iterator[None]:
    """A context in which `torch.autocast("meta", ...)` acts."""
    with (
        patch.object(torch, "autocast", MetaAutocast),
        patch.object(torch, "get_autocast_dtype", lambda kind: MetaAutocast.dtype),
        patch.object(precision, "_autocasts", lambda x: MetaAutocast.enabled and x.device.type == "meta"),
        _Casting(),
    ):
        yield
