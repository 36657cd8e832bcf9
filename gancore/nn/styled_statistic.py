"""Statistics and the style that follows them, in one differentiable function: sum_k c_k * hat_k(x) + shift.

    hat(x) = (x - mean) * i,   i = (mean of squares of what is centred + eps)^(-1/2)

over the pixels of a map (instance norm, arXiv:1607.08022), or over the channels of a pixel and without the mean
(pixel norm, arXiv:1710.10196 section 4.2). The derivative of hat applied to h is i * P(h), with the projection

    P(h) = h - mean(h) - hat * mean(h * hat),

which is symmetric, so the formulas below are their own transposes. Written out as plain operations, the same takes
twice as many passes over activations in derivatives, and keeps several of them; here nothing but x is kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from gancore.nn.precision import at_least_float32


@dataclass(frozen=True)
class Statistic:
    """Over which axes, and whether the mean is taken away."""

    dims: tuple[int, ...]
    centred: bool
    eps: float

    def mean(self, x: Tensor) -> Tensor:
        return x.mean(self.dims, keepdim=True)

    def hat(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """hat(x) [N, C, H, W] and i, broadcast to it."""
        centred = x - self.mean(x) if self.centred else x
        inverse = (self.mean(centred.square()) + self.eps).rsqrt()
        return centred * inverse, inverse

    def project(self, h: Tensor, hat: Tensor) -> Tensor:
        """P(h)."""
        projected = torch.addcmul(h, hat, self.mean(h * hat), value=-1)
        return projected.sub_(self.mean(h)) if self.centred else projected


def instance(eps: float) -> Statistic:
    """Mean 0 and variance 1 over H and W."""
    return Statistic((2, 3), True, eps)


def pixel(eps: float) -> Statistic:
    """Root mean square 1 over C."""
    return Statistic((1,), False, eps)


def styled_statistic(x: Tensor, statistics: Sequence[Statistic], scales: Sequence[Tensor], shift: Tensor) -> Tensor:
    """sum_k scales[k] * hat_k(x) + shift, [N, C, H, W] of the dtype of `x`; scales and shift are [N, C]."""
    dtype = at_least_float32(x).dtype
    styles = [style.to(dtype)[:, :, None, None] for style in (*scales, shift)]
    y: Tensor = _Styled.apply(tuple(statistics), x, *styles)
    return y


class _Styled(Function):
    """y(x, c_1 ... c_k, shift)."""

    @staticmethod
    def forward(ctx: Any, statistics: tuple[Statistic, ...], x: Tensor, *styles: Tensor) -> Tensor:
        ctx.statistics = statistics
        ctx.save_for_backward(x, *styles[:-1])

        def formula(x: Tensor, *styles: Tensor) -> list[Tensor]:
            *scales, y = styles
            for statistic, c in zip(statistics, scales, strict=True):
                y = torch.addcmul(y, statistic.hat(at_least_float32(x))[0], c)
            return [y.to(x.dtype)]

        return formula(x, *styles)[0]

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        return None, *_StyledBackward.apply(ctx.statistics, grads[0], *ctx.saved_tensors)


class _StyledBackward(Function):
    """dx, dc_1 ... dc_k, dshift from g = dy."""

    @staticmethod
    def forward(ctx: Any, statistics: tuple[Statistic, ...], g: Tensor, x: Tensor, *scales: Tensor) -> Any:
        ctx.statistics = statistics
        ctx.save_for_backward(g, x, *scales)

        def formula(x: Tensor, g: Tensor, *scales: Tensor) -> list[Tensor]:
            wide, g = at_least_float32(x), at_least_float32(g)
            dx, dscales = torch.zeros((), dtype=wide.dtype, device=wide.device), []
            for statistic, c in zip(statistics, scales, strict=True):
                hat, inverse = statistic.hat(wide)
                dx = torch.addcmul(dx, statistic.project(g * c, hat), inverse)
                dscales.append(_total(g * hat))
            return [dx.to(x.dtype), *dscales, _total(g)]

        return tuple(formula(x, g, *scales))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        """From v = ddx, v_1 ... v_k, v_shift: the gradients of g, x and the scales."""

        def formula(x: Tensor, g: Tensor, v: Tensor, v_shift: Tensor, *rest: Tensor) -> list[Tensor]:
            wide, g, v = at_least_float32(x), at_least_float32(g), at_least_float32(v)
            scales, v_scales = rest[: len(ctx.statistics)], rest[len(ctx.statistics) :]
            dg, dx, dscales = v_shift, torch.zeros_like(wide), []
            for statistic, c, v_c in zip(ctx.statistics, scales, v_scales, strict=True):
                hat, inverse = statistic.hat(wide)
                p_v, h = statistic.project(v, hat) * inverse, g * c
                p_h = statistic.project(h, hat)
                dg = torch.addcmul(torch.addcmul(dg, p_v, c), hat, v_c)
                dscales.append(_total(p_v * g))
                bend = hat * statistic.mean(p_v * h) + p_v * statistic.mean(h * hat)
                bend = torch.addcmul(bend, p_h * inverse, statistic.mean(v * hat))
                dx = dx + inverse * (statistic.project(g * v_c, hat) - bend)
            return [dg.to(x.dtype), dx.to(x.dtype), *dscales]

        g, x, *scales = ctx.saved_tensors
        v, *v_scales, v_shift = grads
        dg, dx, *dscales = formula(x, g, v, v_shift, *scales, *v_scales)
        return None, dg, dx, *dscales


def _total(x: Tensor) -> Tensor:
    return x.sum((2, 3), keepdim=True)
