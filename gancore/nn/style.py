"""The style block: what a synthesis layer does with a style, whatever the paper.

    conv(x * in_scale) * out_scale + noise + bias, activation, statistic, y * y_s + y_b

The scales and the statistic are those of the chosen normalization; the last step is the block's own, for
normalizations without a style. Sources: arXiv:1812.04948 section 3 (order, noise), arXiv:1912.04958 section 2
(scales). The gain of the activation is folded into what it multiplies (see activation.py).
"""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from gancore.contracts import Normalization, Pass, Site
from gancore.nn.activation import Activation, leaky
from gancore.nn.layers import Linear, Weighted, has_statistic, register_filter
from gancore.nn.options import StyleOptions
from gancore.nn.precision import in_float16, multiplied
from gancore.nn.resampled_conv import same_conv2d, upsampling_conv2d

SQRT_HALF = math.sqrt(0.5)
"""Keeps the variance when two branches of equal variance are added (arXiv:1912.04958 section 4.1)."""


class Epilogue(nn.Module):
    """What follows a synthesis convolution, or the constant input: noise, bias, activation, statistic, style."""

    noise_const: Tensor

    def __init__(
        self, site: Site, normalization: Normalization, w_dim: int, slot: int | None, options: StyleOptions
    ) -> None:
        """`slot` is the layer's place in ws; None: it has no style."""
        super().__init__()
        self.site, self.slot, self.noise = site, slot, options.noise
        self.normalization = normalization
        self.activation = leaky(options.gain, options.conv_clamp)
        self.own_style = normalization.style_size == 0
        channels = site.c_out
        self.bias = nn.Parameter(torch.zeros(channels))
        self.affine = None if slot is None else _affine(w_dim, channels, normalization.style_size)
        if self.noise != "none":
            self.register_buffer("noise_const", torch.randn(site.resolution, site.resolution))
            self.noise_strength = nn.Parameter(torch.zeros([channels] if self.noise == "channel" else []))

    def forward(self, x: Tensor, ws: Sequence[Tensor], how: Pass) -> Tensor:
        """[N, C, H, W] to the same shape; `ws` has one [N, w_dim] a slot."""
        return self.finish(x, None, self.style(ws), how)

    def style(self, ws: Sequence[Tensor]) -> Tensor | None:
        """The coefficients [N, style_size] of the normalization, or [N, 2 * C] of the block's own style."""
        return None if self.affine is None or self.slot is None else self.affine(ws[self.slot])

    def finish(self, y: Tensor, scale: Tensor | None, s: Tensor | None, how: Pass, gain: float = 1.0) -> Tensor:
        """Everything after the convolution, times `gain`; `scale` [N, C] multiplies the convolution's output."""
        late = self.own_style or has_statistic(self.normalization)  # a statistic would undo the gain
        y = self._activated(y, scale, how, 1.0 if late else gain)
        if self.own_style and s is not None:
            return self.normalization.styled(y, *(s * gain).chunk(2, dim=1))
        y = self.normalization.statistic(y)
        return y * gain if late and gain != 1 else y

    def _activated(self, y: Tensor, scale: Tensor | None, how: Pass, gain: float) -> Tensor:
        total = gain * self.activation.gain
        bias = _maps(self.bias[None] * total, y.dtype)
        factor = None if scale is None else _maps(scale * total, y.dtype)
        y = torch.add(bias, y, alpha=total) if factor is None else torch.addcmul(bias, y, factor)
        image = None if self.noise == "none" else how.noise(f"noise.{self.site.name}", self.noise_const, len(y))
        if image is not None:
            y.add_(image * (self.noise_strength * total).view(-1, 1, 1))
        return self.activation(y, None, gain)


class StyleConv(Epilogue, Weighted):
    """A synthesis layer: [N, in, H, W] to [N, out, H, W], or twice the size with `up`."""

    resample_filter: Tensor | None

    def __init__(
        self, site: Site, normalization: Normalization, w_dim: int, slot: int, options: StyleOptions, up: bool
    ) -> None:
        super().__init__(site, normalization, w_dim, slot, options)
        self.up, self.resampling = up, options.resampling
        self.add_weight([site.c_out, site.c_in, 3, 3], self.activation.weight_gain)
        register_filter(self, options.resample_filter if up else None)

    def forward(self, x: Tensor, ws: Sequence[Tensor], how: Pass, gain: float = 1.0) -> Tensor:
        s, weight = self.style(ws), self.effective_weight()
        assert s is not None
        y, scale = scaled_convolution(x, weight, s[:, :0] if self.own_style else s, self.normalization, self._convolve)
        return self.finish(y, scale, s, how, gain)

    def _convolve(self, x: Tensor, weight: Tensor) -> Tensor:
        if self.up:
            return upsampling_conv2d(x, weight, self.resample_filter, self.resampling)
        return same_conv2d(x, weight)


class ToRGB(Weighted):
    """[N, C, H, W] to an image [N, channels, H, W]: 1x1, linear, not normalized, with a style or without."""

    def __init__(self, c_in: int, channels: int, w_dim: int, slot: int | None, options: StyleOptions) -> None:
        super().__init__()
        self.slot, self.activation = slot, Activation(clamp=options.conv_clamp)
        self.affine = None if slot is None else Linear(w_dim, c_in, bias_init=1.0)
        self.bias = nn.Parameter(torch.zeros(channels))
        self.add_weight([channels, c_in, 1, 1])

    def forward(self, x: Tensor, ws: Sequence[Tensor], how: Pass) -> Tensor:
        weight = self.effective_weight()[None, :, :, 0, 0]  # [1, channels, C]
        if self.affine is not None and self.slot is not None:
            weight = weight * self.affine(ws[self.slot])[:, None]
        rows = x.permute(0, 2, 3, 1).flatten(1, 2)  # [N, H * W, C], a view of a channels_last tensor
        y = multiplied(torch.matmul, rows, weight.to(x.dtype).mT.expand(len(x), -1, -1))
        y = y.unflatten(1, x.shape[2:]).permute(0, 3, 1, 2)
        return self.activation(y.to(self.weight.dtype), self.bias)


def scaled_convolution(
    x: Tensor,
    weight: Tensor,
    s: Tensor,
    normalization: Normalization,
    convolve: Callable[[Tensor, Tensor], Tensor],
) -> tuple[Tensor, Tensor | None]:
    """A convolution between the scales of a normalization, the second of which [N, out] is still to be applied.

    With demodulation this is StyleGAN2's modulated convolution: scaling activations before and after gives the same
    as scaling a weight for every sample (arXiv:1912.04958 section 2.2), which is not formed but for one image on a GPU.
    """
    if in_float16(x) and _undoes_its_scale(normalization):
        s, weight = _prenormalized(s, weight)
    scale = normalization.in_scale(s, weight)
    if scale is None:
        y = convolve(x, weight)
    elif one_weight_pays(x, weight):
        y = convolve(x, weight * scale[0, :, None, None])
    else:
        y = convolve(x * _maps(scale, x.dtype), weight)
    return y, normalization.out_scale(y, s, weight)


def one_weight_pays(x: Tensor, weight: Tensor) -> bool:
    """Whether a weight [O, I, k, k] is scaled in place of activations x [N, I, H, W]: for one image of a GPU, where it
    has fewer numbers (and no groups already). More images would need as many, and not be channels_last."""
    return x.is_cuda and len(x) == 1 and x.shape[1] == weight.shape[1] and weight.numel() < x.numel()


def _undoes_its_scale(normalization: Normalization) -> bool:
    """Whether factors of style and weight cancel: what is multiplied before the convolution is divided out after it."""
    own, base = type(normalization), Normalization
    return own.in_scale is not base.in_scale and own.out_scale is not base.out_scale


def _prenormalized(s: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Style [N, I] and weight [O, I, k, k] of a size whose products and sums stay small (code of arXiv:2006.06676)."""
    largest = weight.abs().amax((1, 2, 3), keepdim=True).clamp_min(1e-12) * math.sqrt(weight[0].numel())
    return s / s.abs().amax(1, keepdim=True).clamp_min(1e-12), weight / largest


def _affine(w_dim: int, channels: int, style_size: int) -> Linear:
    """Scales start at 1, shifts at 0; a style of size 0 stands for the block's own, y_s and y_b."""
    if style_size:
        return Linear(w_dim, style_size, bias_init=1.0)
    return Linear(w_dim, 2 * channels, bias_init=[1.0] * channels + [0.0] * channels)


def constant_input(channels: int, resolution: int, start: str) -> nn.Parameter:
    """The learned input [C, r, r] of the synthesis network: ones, or N(0, 1)."""
    shape = [channels, resolution, resolution]
    return nn.Parameter(torch.ones(shape) if start == "ones" else torch.randn(shape))


def _maps(values: Tensor, dtype: torch.dtype) -> Tensor:
    """[N, C] as [N, C, 1, 1]."""
    return values.to(dtype)[:, :, None, None]
