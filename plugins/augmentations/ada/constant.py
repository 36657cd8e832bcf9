"""Filters as tensors, made once for each device and type."""

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor


def constant(make: Callable[[], Tensor], like: Tensor) -> Tensor:
    """The result of `make`, on the device and of the type of `like`; it is shared, so read-only."""
    return _made(make, like.dtype, like.device)


@cache
@torch.inference_mode(False)  # what is made here may be needed later where gradients are
def _made(make: Callable[[], Tensor], dtype: torch.dtype, device: torch.device) -> Tensor:
    return make().to(device, dtype)
