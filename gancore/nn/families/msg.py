"""Layers of the two networks of MSG-GAN: those of PGGAN, with or without equalized learning rate.

Source: arXiv:1903.06048 and its code (BMSG-GAN). With the equalized learning rate every weight, those of the RGB
layers too, has the gain sqrt(2); without it, layers start as PyTorch's do, with variance 1 / (3 fan_in).
Differs: without it, weights are normal instead of uniform, and biases start at 0.
"""

import math

from gancore.contracts import Normalization
from gancore.nn.activation import Activation
from gancore.nn.layers import Conv2d, LateNormConv2d, Linear


def activation(equalized: bool, slope: float = 0.2) -> Activation:
    """Leaky ReLU, or the identity with slope 1."""
    return Activation(slope, weight_gain=math.sqrt(2) if equalized else 1.0)


def init_std(equalized: bool, fan_in: int) -> float | None:
    """Standard deviation of the weights at the start; None: the equalized learning rate."""
    return None if equalized else 1 / math.sqrt(3 * fan_in)


def rgb_conv(c_in: int, c_out: int, equalized: bool) -> Conv2d:
    """1x1 and linear: [N, in, H, W] to [N, out, H, W]."""
    return Conv2d(c_in, c_out, 1, activation=activation(equalized, slope=1), init_std=init_std(equalized, c_in))


def conv3x3(c_in: int, c_out: int, equalized: bool, normalization: Normalization) -> Conv2d:
    """Convolution, statistic, bias, leaky ReLU."""
    std = init_std(equalized, 9 * c_in)
    return Conv2d(c_in, c_out, activation=activation(equalized), normalization=normalization, init_std=std)


def linear(c_in: int, c_out: int, equalized: bool, bias: bool = True, slope: float = 1.0) -> Linear:
    """[N, in] to [N, out], by default without activation."""
    std, start = init_std(equalized, c_in), 0.0 if bias else None
    return Linear(c_in, c_out, start, activation=activation(equalized, slope), init_std=std)


def late_conv3x3(c_in: int, c_out: int, equalized: bool, normalization: Normalization, up: bool) -> LateNormConv2d:
    """Convolution (to twice the size with `up`), bias, leaky ReLU, statistic."""
    return LateNormConv2d(
        c_in,
        c_out,
        sampling="up" if up else None,
        resample_filter=None,
        resampling="box",
        activation=activation(equalized),
        normalization=normalization,
        init_std=init_std(equalized, 9 * c_in),
    )
