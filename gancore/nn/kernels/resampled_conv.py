"""Convolution together with resampling by two, in the two manners of the papers.

fir: a strided (transposed) convolution with an FIR filter on its fine side (arXiv:1912.04958, StyleGAN2).
box: nearest-neighbour upsampling before, 2x2 averaging after the convolution (arXiv:1710.10196, PGGAN), which is
    the same as one strided convolution with the kernel widened by a 2x2 box; a filter, where given, blurs the
    finer image (arXiv:1812.04948, StyleGAN).
"""

from typing import Literal

from torch import Tensor
from torch.nn import functional as F

from gancore.nn.kernels import plain
from gancore.nn.kernels.convolution import conv2d, conv_transpose2d
from gancore.nn.kernels.resample import downsample2d, filter2d, upfirdn2d, upsample2d

Resampling = Literal["fir", "box"]


def same_conv2d(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """[N, I, H, W] to [N, O, H, W], for odd kernels."""
    return conv2d(x, weight, bias, padding=weight.shape[-1] // 2)


def upsampling_conv2d(x: Tensor, weight: Tensor, f: Tensor | None, resampling: Resampling = "fir") -> Tensor:
    """[N, I, H, W] to [N, O, 2 H, 2 W]; weight [O, I, k, k]."""
    if resampling == "box" and plain() and weight.shape[-1] % 2:
        y = same_conv2d(F.interpolate(x, scale_factor=2, mode="nearest"), weight)
        return y if f is None else filter2d(y, f)
    if resampling == "box":
        y = _fractional_conv2d(x, _widened(weight.flip(2, 3)), None)  # a transposed convolution turns its kernel
        return y if f is None else filter2d(y, f)
    if weight.shape[-1] == 1 and f is not None:
        return upsample2d(conv2d(x, weight), f)
    return _fractional_conv2d(x, weight, f)


def downsampling_conv2d(
    x: Tensor, weight: Tensor, f: Tensor | None, resampling: Resampling = "fir", bias: Tensor | None = None
) -> Tensor:
    """[N, I, H, W] to [N, O, H / 2, W / 2]; weight [O, I, k, k]."""
    if resampling == "box" and plain() and weight.shape[-1] % 2:
        return F.avg_pool2d(same_conv2d(x if f is None else filter2d(x, f), weight, bias), 2)
    if resampling == "box":
        return _strided_conv2d(x if f is None else filter2d(x, f), _widened(weight) / 4, None, bias)
    if weight.shape[-1] == 1 and f is not None:
        return conv2d(downsample2d(x, f), weight, bias)
    return _strided_conv2d(x, weight, f, bias)


def _fractional_conv2d(x: Tensor, weight: Tensor, f: Tensor | None) -> Tensor:
    """Transposed convolution of stride 2, filtered with gain 4, cropped or padded to twice the size."""
    pads = _halves((1 if f is None else f.shape[-1]) + 1 - weight.shape[-1])
    crop = max(-pads[0], 0) if f is None and pads[0] == pads[1] else 0
    y = conv_transpose2d(x, weight.transpose(0, 1), stride=2, padding=crop)
    if crop or not (f is not None or any(pads)):
        return y
    return upfirdn2d(y, f, padding=[*pads, *pads], gain=1 if f is None else 4)


def _strided_conv2d(x: Tensor, weight: Tensor, f: Tensor | None, bias: Tensor | None) -> Tensor:
    """Padded, filtered, then convolved with stride 2 to half the size."""
    pads = _halves((1 if f is None else f.shape[-1]) + weight.shape[-1] - 3)
    if f is None and pads[0] == pads[1] >= 0:
        return conv2d(x, weight, bias, stride=2, padding=pads[0])
    return conv2d(upfirdn2d(x, f, padding=[*pads, *pads]), weight, bias, stride=2)


def _halves(total: int) -> tuple[int, int]:
    return (total + 1) // 2, total // 2


def _widened(weight: Tensor) -> Tensor:
    """The kernel convolved with a 2x2 box: [O, I, k, k] to [O, I, k + 1, k + 1]."""
    w = F.pad(weight, [1, 1, 1, 1])
    return w[..., 1:, 1:] + w[..., :-1, 1:] + w[..., 1:, :-1] + w[..., :-1, :-1]
