"""Statistics and the style that follows them, in one differentiable function: sum_k c_k * hat_k(x) + shift.

    hat(x) = (x - mean) * i,   i = (mean of squares of what is centred + eps)^(-1/2)

over the pixels of a map (instance norm, arXiv:1607.08022), or over the channels of a pixel and without the mean
(pixel norm, arXiv:1710.10196 section 4.2). The derivative of hat applied to h is i * P(h), with the projection

    P(h) = h - mean(h) - hat * mean(h * hat),

which is symmetric. Plain operations would pass over the activations several times as often, and save some of them.
This combines the coefficients first, which are small, and saves only x and its moments.
The second derivative, with v the gradient of i * P(c * g), u that of sum(g * hat), a = mean(v * hat),
b = mean(c * g * hat) and t = mean(v * P(c * g)):

    of g: c * i * P(v) + u * hat,    of x: i * P(u * g) - i^2 * (t * hat + b * P(v) + a * P(c * g)).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.autograd import Function

from gancore.nn.kernels import combined_statistic, plain, traced
from gancore.nn.kernels.combined_statistic import combining_pays
from gancore.nn.precision import at_least_float32, wide_dtype
from gancore.nn.statistics import instance_norm, pixel_norm


@dataclass(frozen=True)
class Instance:
    """Mean 0 and variance 1 over H and W. Coefficients and moments are [N, C, 1, 1]."""

    kept: ClassVar[int] = 2
    _over_pixels: ClassVar[bool] = True
    eps: float

    def __call__(self, y: Tensor) -> Tensor:
        return instance_norm(y, self.eps)

    def add_to(self, y: Tensor, x: Tensor, c: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """y + c * hat(x), and the moments: the mean, and i."""
        mean = _mean(x)
        centred = x - mean
        i = (_mean(centred.square()) + self.eps).rsqrt()
        return torch.addcmul(y, centred, c * i), (mean, i)

    def gradients(self, dx: Tensor, g: Tensor, x: Tensor, c: Tensor, mean: Tensor, i: Tensor) -> tuple[Tensor, Tensor]:
        """Those of x, added to `dx`, and of c."""
        centred = x - mean
        b = _mean(g * centred) * i
        dx = torch.addcmul(dx - c * i * _mean(g), g, c * i).addcmul_(centred, -c * i * i * b)
        return dx, b * _pixels(x)

    def second(
        self, dg: Tensor, dx: Tensor, v: Tensor, u: Tensor, g: Tensor, x: Tensor, c: Tensor, mean: Tensor, i: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The gradients of g and x, added to what is given, and of c."""
        centred = x - mean
        mean_g, mean_v = _mean(g), _mean(v)
        a, b = _mean(v * centred) * i, _mean(g * centred) * i
        t = _mean(v * g) - mean_v * mean_g - a * b
        dg = torch.addcmul(dg - c * i * mean_v, v, c * i).addcmul_(centred, i * (u - c * i * a))
        of_v, of_g = -c * i * i * b, i * (u - c * i * a)
        of_centred = -i * i * (c * i * (t - 2 * a * b) + u * b)
        dx = torch.addcmul(dx - of_v * mean_v - of_g * mean_g, v, of_v)
        return dg, dx.addcmul_(g, of_g).addcmul_(centred, of_centred), t * i * _pixels(x)


@dataclass(frozen=True)
class Pixel:
    """Root mean square 1 over C. Coefficients are [N, C, 1, 1], i is [N, 1, H, W]."""

    kept: ClassVar[int] = 1
    _over_pixels: ClassVar[bool] = False
    eps: float

    def __call__(self, y: Tensor) -> Tensor:
        return pixel_norm(y, self.eps)

    def add_to(self, y: Tensor, x: Tensor, c: Tensor) -> tuple[Tensor, tuple[Tensor]]:
        """y + c * hat(x), and the moment i."""
        i = (x.square().mean(1, keepdim=True) + self.eps).rsqrt()
        return torch.addcmul(y, x * i, c), (i,)

    def gradients(self, dx: Tensor, g: Tensor, x: Tensor, c: Tensor, i: Tensor) -> tuple[Tensor, Tensor]:
        """Those of x, added to `dx`, and of c."""
        g_hat = (g * x).mul_(i)
        b = (g_hat * c).mean(1, keepdim=True)
        dx = torch.addcmul(dx, g * c, i).addcmul_(x, -i * i * b)
        return dx, g_hat.sum((2, 3), keepdim=True)

    def second(
        self, dg: Tensor, dx: Tensor, v: Tensor, u: Tensor, g: Tensor, x: Tensor, c: Tensor, i: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The gradients of g and x, added to what is given, and of c."""
        hat = x * i
        a, g_hat = (v * hat).mean(1, keepdim=True), g * hat
        b, u_b = (g_hat * c).mean(1, keepdim=True), g_hat.mul_(u).mean(1, keepdim=True)
        p = torch.addcmul(v, hat, a, value=-1).mul_(i)
        p_g = p * g
        t = (p_g * c).mean(1, keepdim=True)
        h = (g * c).mul_(a * i)
        dx = torch.addcmul(dx, torch.addcmul(h, g, u, value=-1), i, value=-1)
        dx = dx.addcmul_(p, i * b, value=-1).addcmul_(hat, i * (a * b * i - t - u_b))
        return torch.addcmul(dg, p, c).addcmul_(hat, u), dx, p_g.sum((2, 3), keepdim=True)


def styled_statistic(
    x: Tensor, statistics: Sequence[Instance | Pixel], scales: Sequence[Tensor], shift: Tensor
) -> Tensor:
    """sum_k scales[k] * hat_k(x) + shift, [N, C, H, W] of the dtype of `x`; scales and shift are [N, C].

    An instance before a pixel saves a pass: its sum is then one number a map. A compiler derives and fuses by itself,
    so it sees only the value.
    """
    styles = [style.to(wide_dtype(x))[:, :, None, None] for style in (*scales, shift)]
    if plain():
        wide = at_least_float32(x)
        return sum((f(wide) * c for f, c in zip(statistics, styles, strict=False)), start=styles[-1]).to(x.dtype)
    if torch.compiler.is_compiling() or traced():
        return _value(statistics, x, styles)[0]
    y: Tensor = _Styled.apply(tuple(statistics), x, *styles)
    return y


def _value(statistics: Sequence[Instance | Pixel], x: Tensor, styles: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
    """y, and the moments of x."""
    *scales, y = styles
    wide = at_least_float32(x)
    moments: list[Tensor] = []
    for statistic, c in zip(statistics, scales, strict=True):
        y, its = statistic.add_to(y, wide, c)
        moments.extend(its)
    return y.to(x.dtype), moments


class _Styled(Function):
    """y(x, c_1 ... c_k, shift)."""

    @staticmethod
    def forward(ctx: Any, statistics: tuple[Instance | Pixel, ...], x: Tensor, *styles: Tensor) -> Tensor:
        if combining_pays(x):
            y, moments = combined_statistic.value(statistics, at_least_float32(x), styles)
            y = y.to(x.dtype)
        else:
            y, moments = _value(statistics, x, styles)
        ctx.statistics = statistics
        ctx.save_for_backward(x, *styles[:-1], *moments)
        return y

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        k = len(ctx.statistics)
        x, *rest = ctx.saved_tensors
        dx, *dstyles = _StyledBackward.apply(ctx.statistics, rest[k:], grads[0], x, *rest[:k])
        return None, dx, *dstyles


class _StyledBackward(Function):
    """dx, dc_1 ... dc_k, dshift from g = dy; the moments are those of x, whose part in them is in the formulas."""

    @staticmethod
    def forward(
        ctx: Any, statistics: tuple[Instance | Pixel, ...], moments: list[Tensor], g: Tensor, x: Tensor, *scales: Tensor
    ) -> Any:
        ctx.statistics = statistics
        ctx.save_for_backward(g, x, *scales, *moments)
        wide, g = at_least_float32(x), at_least_float32(g)
        if combining_pays(x):
            grouped = _grouped(statistics, moments)
            dx, dscales, dshift = combined_statistic.gradients(statistics, grouped, g, wide, scales)
            return dx.to(x.dtype), *dscales, dshift
        dx, dscales = wide.new_zeros([]), []
        for statistic, c, its in zip(statistics, scales, _grouped(statistics, moments), strict=True):
            dx, dc = statistic.gradients(dx, g, wide, c, *its)
            dscales.append(dc)
        return dx.to(x.dtype), *dscales, g.sum((2, 3), keepdim=True)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        k = len(ctx.statistics)
        low_g, low_x, *rest = ctx.saved_tensors
        g, x, v = (at_least_float32(t) for t in (low_g, low_x, grads[0]))
        dg, dx, dscales = grads[-1], x.new_zeros([]), []
        moments = _grouped(ctx.statistics, rest[k:])
        for statistic, u, c, its in zip(ctx.statistics, grads[1:-1], rest[:k], moments, strict=True):
            dg, dx, dc = statistic.second(dg, dx, v, u, g, x, c, *its)
            dscales.append(dc)
        return None, None, dg.to(low_g.dtype), dx.to(low_x.dtype), *dscales


def _grouped(statistics: Sequence[Instance | Pixel], moments: Sequence[Tensor]) -> list[Sequence[Tensor]]:
    """The moments of each statistic."""
    rest = iter(moments)
    return [list(islice(rest, statistic.kept)) for statistic in statistics]


def _mean(x: Tensor) -> Tensor:
    return x.mean((2, 3), keepdim=True)


def _pixels(x: Tensor) -> int:
    return x.shape[2] * x.shape[3]
