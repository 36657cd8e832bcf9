"""Convolution together with resampling by two, in the two manners of the papers.

fir: a strided (transposed) convolution with an FIR filter on its fine side (arXiv:1912.04958, StyleGAN2).
box: nearest-neighbour upsampling before, 2x2 averaging after the convolution (arXiv:1710.10196, PGGAN), which is
    the same as one strided convolution with the kernel widened by a 2x2 box; a filter, if any, blurs the
    finer image (arXiv:1812.04948, StyleGAN).
"""

from collections.abc import Callable
from functools import partial
from typing import Literal

from torch import Tensor
from torch.nn import functional as F

from gancore.nn.kernels import plain
from gancore.nn.kernels.convolution import conv2d, conv_transpose2d
from gancore.nn.kernels.resample import downsample2d, filter2d, upfirdn2d, upsample2d

Resampling = Literal["fir", "box"]
Sampling = Literal["up", "down"]
Convolve = Callable[..., Tensor]
"""(x [N, I, H, W], weight [O, I, kh, kw], bias [O] or None) to [N, O, H', W']."""


def same_conv2d(x: Tensor, weight: Tensor, bias: Tensor | None = None, groups: int = 1) -> Tensor:
    """[N, I, H, W] to [N, O, H, W]; weight [O, I / groups, k, k] with k odd, bias [O]."""
    return conv2d(x, weight, bias, padding=weight.shape[-1] // 2, groups=groups)


def upsampling_conv2d(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, f: Tensor | None = None, resampling: Resampling = "fir"
) -> Tensor:
    """[N, I, H, W] to [N, O, 2 H, 2 W]; weight [O, I, k, k], bias [O], `f` a filter."""
    if resampling == "box" and plain() and weight.shape[-1] % 2:
        y = same_conv2d(F.interpolate(x, scale_factor=2, mode="nearest"), weight)
        y = y if f is None else filter2d(y, f)
    elif resampling == "fir" and weight.shape[-1] == 1 and f is not None:
        y = upsample2d(conv2d(x, weight), f)
    else:  # a transposed convolution of stride 2, cropped or padded to twice the size, and filtered
        taps = f if resampling == "fir" else None
        kernel = weight if resampling == "fir" else _widened(weight.flip(2, 3))  # transposed, a kernel is turned
        pads = _halves((1 if taps is None else taps.shape[-1]) + 1 - kernel.shape[-1])
        crop = max(-pads[0], 0) if taps is None and pads[0] == pads[1] else 0
        y = conv_transpose2d(x, kernel.transpose(0, 1), stride=2, padding=crop)
        if taps is not None or (any(pads) and not crop):
            y = upfirdn2d(y, taps, padding=[*pads, *pads], gain=1 if taps is None else 4)
        if resampling == "box" and f is not None:
            y = filter2d(y, f)
    return y if bias is None else y + bias.to(y.dtype)[:, None, None]


def downsampling_conv2d(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, f: Tensor | None = None, resampling: Resampling = "fir"
) -> Tensor:
    """[N, I, H, W] to [N, O, H / 2, W / 2]; weight [O, I, k, k], bias [O], `f` a filter."""
    if resampling == "box":
        x = x if f is None else filter2d(x, f)
        if plain() and weight.shape[-1] % 2:
            return F.avg_pool2d(same_conv2d(x, weight, bias), 2)
        weight, f = _widened(weight) / 4, None
    elif weight.shape[-1] == 1 and f is not None:
        return conv2d(downsample2d(x, f), weight, bias)
    pads = _halves((1 if f is None else f.shape[-1]) + weight.shape[-1] - 3)
    if f is None and pads[0] == pads[1] >= 0:
        return conv2d(x, weight, bias, stride=2, padding=pads[0])
    return conv2d(upfirdn2d(x, f, padding=[*pads, *pads]), weight, bias, stride=2)


def resampled(sampling: Sampling | None, f: Tensor | None, resampling: Resampling) -> Convolve:
    """The convolution of a layer that doubles or halves the size, or keeps it."""
    if sampling is None:
        return same_conv2d
    return partial(upsampling_conv2d if sampling == "up" else downsampling_conv2d, f=f, resampling=resampling)


def _halves(total: int) -> tuple[int, int]:
    return (total + 1) // 2, total // 2


def _widened(weight: Tensor) -> Tensor:
    """The kernel convolved with a 2x2 box: [O, I, k, k] to [O, I, k + 1, k + 1]."""
    w = F.pad(weight, [1, 1, 1, 1])
    return w[..., 1:, 1:] + w[..., :-1, 1:] + w[..., 1:, :-1] + w[..., :-1, :-1]
