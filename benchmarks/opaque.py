"""Operations of a peer that its own kernels compute, as one pass over inputs and outputs, differentiable twice.

They have shapes and no values: for counting bytes (traffic.py). What they compute is in the peer's documentation:
upfirdn2d is linear, and bias_act is clamp(gain * activation(x + b)), whose derivative follows from the output.
"""

import importlib
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function


@torch.library.custom_op("traffic::resampled", mutates_args=())
def resampled(x: Tensor, shape: list[int]) -> Tensor:
    """upfirdn2d, or its transpose."""
    return x.new_empty(shape)


@torch.library.custom_op("traffic::activated", mutates_args=())
def activated(x: Tensor, bias: Tensor | None) -> Tensor:
    return torch.empty_like(x)


@torch.library.custom_op("traffic::activated_backward", mutates_args=())
def activated_backward(g: Tensor, y: Tensor | None) -> Tensor:
    return torch.empty_like(g)


@resampled.register_fake
def _(x: Tensor, shape: list[int]) -> Tensor:
    return x.new_empty(shape)


@activated.register_fake
def _(x: Tensor, bias: Tensor | None) -> Tensor:
    return torch.empty_like(x)


@activated_backward.register_fake
def _(g: Tensor, y: Tensor | None) -> Tensor:
    return torch.empty_like(g)


class _Resampled(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, shape: list[int]) -> Tensor:
        ctx.shape = list(x.shape)
        return resampled(x, shape)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        return _Resampled.apply(grads[0], ctx.shape), None


class _Activated(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, bias: Tensor | None, dim: int, changes: bool, bends: bool) -> Tensor:
        """bends: whether the derivative depends on the output."""
        y = activated(x, bias)
        ctx.save_for_backward(y if bends else None)
        ctx.dim, ctx.changes = dim, changes
        return y

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        (y,) = ctx.saved_tensors
        dx = _ActivatedBackward.apply(grads[0], y) if ctx.changes else grads[0]
        db = dx.sum([i for i in range(dx.ndim) if i != ctx.dim]) if ctx.needs_input_grad[1] else None
        return dx, db, None, None, None


class _ActivatedBackward(Function):
    @staticmethod
    def forward(ctx: Any, g: Tensor, y: Tensor | None) -> Tensor:
        ctx.save_for_backward(y)
        return activated_backward(g, y)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        return _ActivatedBackward.apply(grads[0], ctx.saved_tensors[0]), None


def upfirdn2d(x: Tensor, f: Tensor | None, up: Any = 1, down: Any = 1, padding: Any = 0, **_: Any) -> Tensor:
    """Of the shape that its documentation states."""
    (up_x, up_y), (down_x, down_y) = (2 * [n] if isinstance(n, int) else n for n in (up, down))
    pads = 4 * [padding] if isinstance(padding, int) else list(padding)
    left, right, top, bottom = pads if len(pads) == 4 else [pads[0], pads[0], pads[1], pads[1]]
    taps_x, taps_y = (1, 1) if f is None else (f.shape[-1], f.shape[0])
    n, c, height, width = x.shape
    height, width = height * up_y + top + bottom - taps_y + 1, width * up_x + left + right - taps_x + 1
    y: Tensor = _Resampled.apply(x, [n, c, -(-height // down_y), -(-width // down_x)])
    return y


def bias_act(
    x: Tensor,
    b: Tensor | None = None,
    dim: int = 1,
    act: str = "linear",
    alpha: float | None = None,
    gain: float | None = None,
    clamp: float | None = None,
    **_: Any,
) -> Tensor:
    """Linear without gain, clamp and bias it is the input."""
    changes = act != "linear" or (gain or 1) != 1 or clamp is not None
    y: Tensor = _Activated.apply(x, b, dim, changes, act != "linear") if changes or b is not None else x
    return y


def replace_kernels() -> None:
    """In a peer of NVIDIA that has been imported: its operations by those of this file."""
    for name, operation in (("upfirdn2d", upfirdn2d), ("bias_act", bias_act)):
        setattr(importlib.import_module(f"torch_utils.ops.{name}"), name, operation)
