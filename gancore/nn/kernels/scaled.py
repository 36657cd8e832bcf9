"""Maps times a scale for each, y = x * s + shift, in half precision on a GPU.

The gradient of a scale, sum_pixels g * x, is the diagonal of a matrix product: no product of the size of the maps is
written. It multiplies C times as much, which matrix units do in passing, but nothing else does; so elsewhere this is a
multiplication, and torch derives it. y(x, s) is bilinear, and so is its gradient: the three functions are closed.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from gancore.nn.gradients import weight_gradients_wanted
from gancore.nn.kernels import plain, traced


def scaled_maps(
    x: Tensor, scale: Tensor, shift: Tensor | None = None, noise: tuple[Tensor, Tensor] | None = None
) -> Tensor:
    """x [N, C, H, W] times scale [N, C, 1, 1], plus shift [1, C, 1, 1], plus an image [N or 1, 1, H, W] by a strength.

    Scale and shift are of the dtype of `x`; the strength is [C, 1, 1] or [1, 1, 1].
    """
    if dots_pay(x):
        if shift is None and noise is None:
            return _Scaled.apply(x, scale)
        image, strength = (None, None) if noise is None else (t.to(x.dtype) for t in noise)
        y: Tensor = _ScaledShifted.apply(x, scale, shift, image, strength)
        return y
    y = x * scale if shift is None else torch.addcmul(shift, x, scale)
    return y if noise is None else y.add_((noise[0] * noise[1]).to(y.dtype))


def dots_pay(x: Tensor) -> bool:
    """Whether gradients of scales are diagonals of products: for half precision, not on a CPU."""
    if plain() or traced() or torch.compiler.is_compiling():
        return False
    return x.device.type != "cpu" and x.dtype in (torch.bfloat16, torch.float16) and x.dim() == 4


def dots(a: Tensor, b: Tensor) -> Tensor:
    """The sum of a * b over the pixels of each map, [N, C, H, W] to [N, C, 1, 1]."""
    a, b = (t.permute(0, 2, 3, 1).flatten(1, 2) for t in (a, b))  # [N, H * W, C], views of channels_last tensors
    return torch.bmm(a.mT, b).diagonal(dim1=1, dim2=2)[:, :, None, None]


class _Scaled(Function):
    """x * s."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: Tensor) -> Tensor:
        ctx.save_for_backward(x, scale)
        return x * scale

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        x, scale = ctx.saved_tensors
        wants_x, wants_scale = ctx.needs_input_grad
        dx = _Scaled.apply(grads[0], scale) if wants_x else None
        return dx, _Dots.apply(grads[0], x) if wants_scale else None


class _Dots(Function):
    """sum_pixels g * x."""

    @staticmethod
    def forward(ctx: Any, g: Tensor, x: Tensor) -> Tensor:
        ctx.save_for_backward(g, x)
        return dots(g, x)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        g, x = ctx.saved_tensors
        return _Scaled.apply(x, grads[0]), _Scaled.apply(g, grads[0])


class _ScaledShifted(Function):
    """x * s + shift + image * strength. The gradients of shift and strength are one product, a pass over g."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, scale: Tensor, shift: Tensor | None, image: Tensor | None, strength: Tensor | None
    ) -> Tensor:
        ctx.save_for_backward(x, scale, image)
        ctx.per_channel = strength is not None and strength.numel() > 1
        y = x * scale if shift is None else torch.addcmul(shift, x, scale)
        return y if image is None or strength is None else y.addcmul_(image, strength)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        x, scale, image = ctx.saved_tensors
        (g,), (wants_x, wants_scale, wants_shift, _, wants_strength) = grads, ctx.needs_input_grad
        dx = _Scaled.apply(g, scale) if wants_x else None
        ds = _Dots.apply(g, x) if wants_scale else None
        if not (wants_shift or wants_strength) or not weight_gradients_wanted():
            return dx, ds, None, None, None
        sums = _sums(g, image)
        dshift = sums[0, :, None, None][None] if wants_shift else None
        if not wants_strength:
            return dx, ds, dshift, None, None
        dstrength = sums[1] if ctx.per_channel else sums[1].sum(0, keepdim=True)
        return dx, ds, dshift, None, dstrength[:, None, None]


def _sums(g: Tensor, image: Tensor | None) -> Tensor:
    """[1 or 2, C]: sums of g, and of g times an image, over images and pixels."""
    rows = g.permute(0, 2, 3, 1).flatten(1, 2)  # [N, H * W, C]
    weights = rows.new_ones(rows.shape[0], 1, rows.shape[1])
    if image is not None:
        weights = torch.cat([weights, image.flatten(2).expand(rows.shape[0], -1, -1)], 1)
    return torch.bmm(weights, rows).sum(0)
