"""FIR resampling: pad, filter, up- and downsample images by small filters.

Source: arXiv:1912.04958 (StyleGAN2), with the filter [1, 3, 3, 1] of its code; arXiv:1812.04948 blurs with
[1, 2, 1]. No zeros are inserted and then filtered: upsampling is a transposed depthwise convolution,
downsampling a strided one. The adjoint of a resampling is a resampling with the factors exchanged, so derivatives
of any order stay within one function. Filters act in at least float32, but short
ones in the half precision of their input on CUDA, where the sums are in float32.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn import functional as F

from gancore.nn.kernels import plain, traced
from gancore.nn.precision import at_least_float32, full_precision, wide_dtype

SHORT = 4  # taps of a filter that may act in half precision
SEPARABLE_FROM = 8  # taps from which two 1-D passes are cheaper than one 2-D pass

Pair = int | Sequence[int]
"""One number for both axes, or [x, y]."""


def setup_filter(
    f: Any,
    normalize: bool = True,
    flip_filter: bool = False,
    gain: float = 1.0,
    separable: bool | None = None,
) -> Tensor:
    """A float32 filter [fh, fw], or [taps] where it is `separable` (default: 1-D with 8 taps or more).

    `f` is a number, a list of taps (for its outer product with itself), or a list of rows; None is identity.
    `normalize` makes it sum to 1, `gain` multiplies the signal amplitude.
    """
    taps = torch.as_tensor(1.0 if f is None else f, dtype=torch.float32)
    taps = taps[None] if taps.ndim == 0 else taps
    if taps.ndim > 2 or taps.numel() == 0:
        raise ValueError(f"a filter has one or two dimensions and at least one tap, not shape {list(taps.shape)}")
    separable = taps.ndim == 1 and taps.numel() >= SEPARABLE_FROM if separable is None else separable
    if taps.ndim == 1 and not separable:
        taps = taps.outer(taps)
    if separable and taps.ndim != 1:
        raise ValueError("a filter given as rows is not separable")
    taps = taps / taps.sum() if normalize else taps
    taps = taps.flip(list(range(taps.ndim))) if flip_filter else taps
    return taps * gain ** (taps.ndim / 2)


def upfirdn2d(
    x: Tensor,
    f: Tensor | None,
    up: Pair = 1,
    down: Pair = 1,
    padding: Pair = 0,
    flip_filter: bool = False,
    gain: float = 1.0,
) -> Tensor:
    """Insert zeros between pixels (`up`), pad, convolve with `f`, keep every `down`-th pixel.

    [N, C, H, W] to [N, C, (H * up + pads - fh) // down + 1, ...]. Factors are one number or [x, y]; `padding` is
    one number, [x, y] or [left, right, top, bottom] in upsampled pixels, negative to crop. `f` [fh, fw], or [taps]
    for both axes; None is identity. `flip_filter`: correlate instead. `gain` multiplies the amplitude.
    """
    f = torch.ones(1, 1, device=x.device) if f is None else f
    f = f * gain ** (f.ndim / 2)
    f = (f if flip_filter else f.flip(list(range(f.ndim)))).to(wide_dtype(x))
    (up_x, up_y), (down_x, down_y), (left, right, top, bottom) = _pair(up), _pair(down), _sides(padding)
    if plain():
        return _by_definition(x, f, _Axes((up_y, up_x), (down_y, down_x), (top, bottom), (left, right)))
    resample = _resampled if traced() else _Resample.apply
    if f.ndim == 2:
        return resample(x, f, _Axes((up_y, up_x), (down_y, down_x), (top, bottom), (left, right)))
    x = resample(x, f[None], _Axes((1, up_x), (1, down_x), (0, 0), (left, right)))
    return resample(x, f[:, None], _Axes((up_y, 1), (down_y, 1), (top, bottom), (0, 0)))


def _by_definition(x: Tensor, f: Tensor, axes: "_Axes") -> Tensor:
    """upfirdn2d as a correlation with `f`, [kh, kw] or [taps], with the zeros that the fast way avoids."""
    (n, c, h, w), (up_y, up_x), (down_y, down_x) = x.shape, axes.up, axes.down
    kernel = f if f.ndim == 2 else f.outer(f)
    with full_precision(x):
        wide = at_least_float32(x).new_zeros(n, c, h * up_y, w * up_x)
        wide[:, :, ::up_y, ::up_x] = x
        y = F.conv2d(_pad(wide, axes.vertical, axes.horizontal), kernel.expand(c, 1, -1, -1), groups=c)
        return y[:, :, ::down_y, ::down_x].to(x.dtype)


def filter2d(x: Tensor, f: Tensor, padding: Pair = 0, flip_filter: bool = False, gain: float = 1.0) -> Tensor:
    """[N, C, H, W] filtered to the same size, plus `padding`."""
    pads = [p for taps in _taps(f) for p in (taps // 2, (taps - 1) // 2)]
    return upfirdn2d(x, f, padding=_sum(padding, pads), flip_filter=flip_filter, gain=gain)


def upsample2d(
    x: Tensor, f: Tensor, up: Pair = 2, padding: Pair = 0, flip_filter: bool = False, gain: float = 1.0
) -> Tensor:
    """[N, C, H, W] to [N, C, H * up, W * up] plus `padding`; brightness is kept."""
    factors = _pair(up)
    pads = [p for taps, u in zip(_taps(f), factors, strict=True) for p in ((taps + u - 1) // 2, (taps - u) // 2)]
    return upfirdn2d(x, f, up, 1, _sum(padding, pads), flip_filter, gain * factors[0] * factors[1])


def downsample2d(
    x: Tensor, f: Tensor, down: Pair = 2, padding: Pair = 0, flip_filter: bool = False, gain: float = 1.0
) -> Tensor:
    """[N, C, H, W] to [N, C, H / down, W / down] plus `padding`."""
    pads = [p for taps, d in zip(_taps(f), _pair(down), strict=True) for p in ((taps - d + 1) // 2, (taps - d) // 2)]
    return upfirdn2d(x, f, 1, down, _sum(padding, pads), flip_filter, gain)


def _pair(factor: Pair) -> tuple[int, int]:
    x, y = (factor, factor) if isinstance(factor, int) else factor
    return x, y


def _sides(padding: Pair) -> tuple[int, int, int, int]:
    pads = [padding] * 2 if isinstance(padding, int) else list(padding)
    left, right, top, bottom = pads if len(pads) == 4 else [pads[0], pads[0], pads[1], pads[1]]
    return left, right, top, bottom


def _sum(padding: Pair, pads: Sequence[int]) -> list[int]:
    return [a + b for a, b in zip(_sides(padding), pads, strict=True)]


def _taps(f: Tensor) -> tuple[int, int]:
    """Width and height of a filter."""
    return f.shape[-1], f.shape[0]


class _Axes(NamedTuple):
    """Factors (vertical, horizontal) and pads (before, after) of both axes."""

    up: tuple[int, int]
    down: tuple[int, int]
    vertical: tuple[int, int]
    horizontal: tuple[int, int]

    def adjoint(self, kernel: Sequence[int], before: Sequence[int], after: Sequence[int]) -> "_Axes":
        """The axes of the transposed map, from the size `after` back to the size `before`."""
        pads = [
            (k - 1 - p[0], n * up - m * down + p[0] - up + 1)
            for k, p, n, m, up, down in zip(
                kernel, (self.vertical, self.horizontal), before, after, self.up, self.down, strict=True
            )
        ]
        return _Axes(self.down, self.up, *pads)


class _Resample(Function):
    """upfirdn2d as a correlation with `kernel` [kh, kw]; its derivative is itself with factors exchanged."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, kernel: Tensor, axes: _Axes) -> Tensor:
        y = _resampled(x, kernel, axes)
        ctx.save_for_backward(kernel)
        ctx.adjoint = axes.adjoint(kernel.shape, x.shape[2:], y.shape[2:])
        return y

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        (kernel,) = ctx.saved_tensors
        return _Resample.apply(grads[0], kernel.flip(0, 1), ctx.adjoint), None, None


def _resampled(x: Tensor, kernel: Tensor, axes: _Axes) -> Tensor:
    with full_precision(x):
        if narrow_pays(x, kernel):
            return _correlate(x, kernel.to(x.dtype), axes)
        return _correlate(at_least_float32(x), kernel, axes).to(x.dtype)


def narrow_pays(x: Tensor, kernel: Tensor) -> bool:
    """Whether a filter acts in half precision: not on a CPU, which is slow at it, and a short one, whose taps fit.

    [1, 3, 3, 1] and its outer product are exact there; products are added in float32 by the kernels of a GPU.
    """
    return x.device.type not in ("cpu", "mps") and max(kernel.shape) <= SHORT


def _correlate(x: Tensor, kernel: Tensor, axes: _Axes) -> Tensor:
    if axes.up == (1, 1):
        return _strided(x, kernel, axes)
    return _transposed(x, kernel, axes)[:, :, :: axes.down[0], :: axes.down[1]]


def _strided(x: Tensor, kernel: Tensor, axes: _Axes) -> Tensor:
    """Depthwise convolution, with the padding that both sides share."""
    common = [max(min(pads), 0) for pads in (axes.vertical, axes.horizontal)]
    x = _pad(x, *(tuple(p - c for p in pads) for pads, c in zip((axes.vertical, axes.horizontal), common, strict=True)))
    channels = x.shape[1]
    return F.conv2d(x, kernel.expand(channels, 1, -1, -1), stride=axes.down, padding=common, groups=channels)


def _transposed(x: Tensor, kernel: Tensor, axes: _Axes) -> Tensor:
    """Transposed depthwise convolution. It yields (n - 1) * up + k pixels, of which n * up + pads - k + 1 are kept."""
    crops = [
        (k - 1 - before, k - up - after)
        for k, up, (before, after) in zip(kernel.shape, axes.up, (axes.vertical, axes.horizontal), strict=True)
    ]
    common = [max(min(crop), 0) for crop in crops]
    channels = x.shape[1]
    weight = kernel.flip(0, 1).expand(channels, 1, -1, -1)
    y = F.conv_transpose2d(x, weight, stride=axes.up, padding=common, groups=channels)
    return _pad(y, *(tuple(c - side for side in crop) for crop, c in zip(crops, common, strict=True)))


def _pad(x: Tensor, vertical: Sequence[int], horizontal: Sequence[int]) -> Tensor:
    """`x` with zeros around it; negative numbers crop."""
    return F.pad(x, [*horizontal, *vertical]) if any((*vertical, *horizontal)) else x
