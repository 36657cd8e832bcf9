"""Leaky ReLU and clamp in one function, y = clamp(lrelu(x)), whose derivative follows from the output.

The factor of the gradient is 1, the slope, or 0 where |y| has reached the bound; it depends on y alone and is constant
in between, so the derivative of the gradient has the same factor, and nothing else is saved.
"""

from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn import functional as F

from gancore.nn.kernels import plain, traced

aten = torch.ops.aten


def lrelu_clamp(x: Tensor, slope: float, clamp: float | None, inplace: bool = False) -> Tensor:
    """clamp(x if x > 0 else slope * x, -clamp, clamp), of the shape of `x`; slope 1 and clamp None: without.

    With `inplace` the values of `x` may be lost.
    """
    if slope == 1 and clamp is None:
        return x
    if plain() or traced() or torch.compiler.is_compiling():
        x = x if slope == 1 else F.leaky_relu(x, slope, inplace)
        return x if clamp is None else x.clamp(-clamp, clamp)
    y: Tensor = _Bent.apply(x, slope, None if clamp is None else _rounded(clamp, x.dtype), inplace)
    return y


@cache
def _rounded(bound: float, dtype: torch.dtype) -> float:
    """The bound in this dtype, so that a value which has reached the bound is equal to it."""
    return torch.tensor(bound, dtype=dtype, device="cpu").item()


class _Bent(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, slope: float, clamp: float | None, inplace: bool) -> Tensor:
        y = x
        if slope != 1:
            y = F.leaky_relu(y, slope, inplace)
        if clamp is not None:
            y = y.clamp(-clamp, clamp) if y is x and not inplace else y.clamp_(-clamp, clamp)
        if inplace:
            ctx.mark_dirty(x)
        ctx.save_for_backward(y)
        ctx.bends, ctx.mask = (slope, clamp), None
        return y

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        (y,) = ctx.saved_tensors
        if ctx.mask is None and None not in ctx.bends and ctx.bends[0] != 1 and torch.is_grad_enabled():
            ctx.mask = _masked(y.new_ones(()).expand(y.shape), y, *ctx.bends)  # needed three times from here on
        return _Masked.apply(grads[0], y, ctx.mask, *ctx.bends), None, None, None


class _Masked(Function):
    """g times the factor of the output y, which is `mask` if it is known."""

    @staticmethod
    def forward(ctx: Any, g: Tensor, y: Tensor, mask: Tensor | None, slope: float, clamp: float | None) -> Tensor:
        ctx.save_for_backward(y, mask)
        ctx.bends = (slope, clamp)
        return _masked(g, y, slope, clamp) if mask is None else mask * g  # laid out as y

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        return _Masked.apply(grads[0], *ctx.saved_tensors, *ctx.bends), None, None, None, None


@torch.no_grad()
def _masked(g: Tensor, y: Tensor, slope: float, clamp: float | None) -> Tensor:
    if slope != 1:
        g = aten.leaky_relu_backward(g, y, slope, True)
    return g if clamp is None else aten.hardtanh_backward(g, y, -clamp, clamp)
