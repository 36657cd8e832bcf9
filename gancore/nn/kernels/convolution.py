"""Convolution as a closed set of three differentiable functions.

Output y(x, w), input gradient dx(g, w) and weight gradient dw(x, g) are the three partial derivatives of the
trilinear form <conv(x, w), g>, so the derivatives of each are made of the other two: second derivatives (R1, path
length) cost ordinary convolutions, and weight gradients can be left out where nothing needs them
(`no_weight_gradients`). Activations are channels_last, in the autocast dtype if autocast is on.
"""

from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn import functional as F

from gancore.nn.gradients import weight_gradients_wanted
from gancore.nn.kernels import plain, traced, winograd
from gancore.nn.kernels.weight_gradient import weight_gradient
from gancore.nn.precision import multiplied, to_autocast_dtype

CHANNELS = 96  # from which Winograd's convolution is quicker than the library's


class Geometry(NamedTuple):
    """Everything about a convolution that is not a tensor; `padding` is the same on all four sides."""

    stride: int = 1
    padding: int = 0
    groups: int = 1


def conv2d(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, stride: int = 1, padding: int = 0, groups: int = 1
) -> Tensor:
    """[N, I, H, W] and weight [O, I / groups, kh, kw] to [N, O, H', W'], channels_last."""
    x, weight = to_autocast_dtype(x), to_autocast_dtype(weight)
    bias, geometry = None if bias is None else to_autocast_dtype(bias), Geometry(stride, padding, groups)
    if plain() or traced():
        return multiplied(partial(F.conv2d, **geometry._asdict()), x, weight, bias).to(x.dtype)
    return _Output.apply(_channels_last(x), weight, bias, geometry)


def conv_transpose2d(x: Tensor, weight: Tensor, stride: int = 1, padding: int = 0, groups: int = 1) -> Tensor:
    """[N, O, H, W] and weight [O, I / groups, kh, kw] to [N, I, (H - 1) * stride - 2 * padding + kh, ...].

    The adjoint of `conv2d` with the same weight: from O channels to I.
    """
    x, weight, geometry = to_autocast_dtype(x), to_autocast_dtype(weight), Geometry(stride, padding, groups)
    if plain() or traced():
        return multiplied(partial(F.conv_transpose2d, **geometry._asdict()), x, weight).to(x.dtype)
    return _InputGradient.apply(_channels_last(x), weight, None, geometry)


def dense_conv2d(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """One pixel [N, I, 1, 1] and weight [O, I, kh, kw] to [N, O, kh, kw], each output from all of the input."""
    y = conv_transpose2d(x, weight.transpose(0, 1))
    return y if bias is None else y + bias.to(y.dtype)[:, None, None]


def _output(x: Tensor, weight: Tensor, bias: Tensor | None, geometry: Geometry) -> Tensor:
    return _Output.apply(_channels_last(x), weight, bias, geometry)


def _input_gradient(g: Tensor, weight: Tensor, size: torch.Size | None, geometry: Geometry) -> Tensor:
    """`size`: height and width of the result, by default the least possible."""
    return _InputGradient.apply(_channels_last(g), weight, size, geometry)


def _weight_gradient(x: Tensor, g: Tensor, shape: torch.Size, geometry: Geometry) -> Tensor:
    return _WeightGradient.apply(_channels_last(x), _channels_last(g), shape, geometry)


def _values(x: Tensor, weight: Tensor, bias: Tensor | None, geometry: Geometry) -> Tensor:
    """y(x, w) + bias, by the kernel that is the quickest."""
    if winograd.pays(x, weight.shape, *geometry, channels=CHANNELS):
        y = winograd.convolution(x, weight)
        return y if bias is None else y.add_(bias[:, None, None])
    return F.conv2d(x, weight, bias, **geometry._asdict())


def _transposed_values(g: Tensor, weight: Tensor, size: torch.Size | None, geometry: Geometry) -> Tensor:
    """dx(g, w), by the kernel that is the quickest."""
    if winograd.pays(g, weight.shape, *geometry, channels=CHANNELS):
        return winograd.convolution(g, weight.flip(2, 3).transpose(0, 1))
    stride, padding, _ = geometry
    smallest = [(n - 1) * stride - 2 * padding + k for n, k in zip(g.shape[2:], weight.shape[2:], strict=True)]
    beyond = [n - least for n, least in zip(size or smallest, smallest, strict=True)]
    return F.conv_transpose2d(g, weight, output_padding=beyond, **geometry._asdict())


def _channels_last(x: Tensor) -> Tensor:
    """Outside of the functions: they must save their inputs as they are, or the graph ends there."""
    return x.contiguous(memory_format=torch.channels_last)


class _Output(Function):
    """y(x, w) + bias."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, geometry: Geometry) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.geometry = geometry
        return multiplied(partial(_values, geometry=geometry), x, weight, bias).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        (g,) = grads
        x, weight = ctx.saved_tensors
        wants_x, wants_weight, wants_bias, _ = ctx.needs_input_grad
        wanted = weight_gradients_wanted()
        dx = _input_gradient(g, weight, x.shape[2:], ctx.geometry) if wants_x else None
        dw = _weight_gradient(x, g, weight.shape, ctx.geometry) if wants_weight and wanted else None
        db = g.sum((0, 2, 3)) if wants_bias and wanted else None
        return dx, dw, db, None


class _InputGradient(Function):
    """dx(g, w): the transposed convolution; `size` is the height and width of x."""

    @staticmethod
    def forward(ctx: Any, g: Tensor, weight: Tensor, size: torch.Size | None, geometry: Geometry) -> Tensor:
        ctx.save_for_backward(g, weight)
        ctx.geometry = geometry
        return multiplied(partial(_transposed_values, size=size, geometry=geometry), g, weight).to(g.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        (ddx,) = grads
        g, weight = ctx.saved_tensors
        wants_g, wants_weight, _, _ = ctx.needs_input_grad
        dg = _output(ddx, weight, None, ctx.geometry) if wants_g else None
        wanted = wants_weight and weight_gradients_wanted()
        dw = _weight_gradient(ddx, g, weight.shape, ctx.geometry) if wanted else None
        return dg, dw, None, None


class _WeightGradient(Function):
    """dw(x, g), of the given shape."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, g: Tensor, shape: torch.Size, geometry: Geometry) -> Tensor:
        ctx.save_for_backward(x, g)
        ctx.geometry = geometry
        return multiplied(partial(weight_gradient, shape=shape, **geometry._asdict()), x, g).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        (ddw,) = grads
        x, g = ctx.saved_tensors
        dx = _input_gradient(g, ddw, x.shape[2:], ctx.geometry) if ctx.needs_input_grad[0] else None
        dg = _output(x, ddw, None, ctx.geometry) if ctx.needs_input_grad[1] else None
        return dx, dg, None, None
