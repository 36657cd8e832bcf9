"""The style block: how a synthesis layer uses a style, in all papers.

    gain * (statistic(activation(conv(x * in_scale) * out_scale + noise + bias)) * y_s + y_b)

The scales and the statistic are those of the chosen normalization; the last step is the block's own, for
normalizations without a style. Sources: arXiv:1812.04948 section 3 (order, noise), arXiv:1912.04958 section 2
(scales). With `activations: twice` (mmgeneration's StyleGAN) an upsampling layer is activated before its blur, too.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gancore.contracts import Normalization, Pass, Site
from gancore.nn.activation import Activation, activation_of
from gancore.nn.kernels.resample import filter2d
from gancore.nn.kernels.resampled_conv import resampled
from gancore.nn.layers import Linear, Weighted, register_filter
from gancore.nn.normalized import fuses_style, has_statistic, scaled_input, scaled_maps
from gancore.nn.options import StyleOptions
from gancore.nn.precision import multiplied

SQRT_HALF = math.sqrt(0.5)
"""Keeps the variance when two branches of equal variance are added (arXiv:1912.04958 section 4.1)."""


class StyledLayer(nn.Module):
    """The steps after a synthesis convolution, or the constant input: noise, bias, activation, statistic, style."""

    noise_const: Tensor

    def __init__(
        self, site: Site, normalization: Normalization, w_dim: int, w_index: int | None, options: StyleOptions
    ) -> None:
        """`w_index` says which of the ws is this layer's; None: it has no style."""
        super().__init__()
        self.site, self.w_index, self.noise = site, w_index, options.noise
        self.normalization = normalization
        self.activation = activation_of(options.activation, options.gain, options.conv_clamp)
        self.twice = False
        self.own_style = normalization.style_size == 0
        self.fused = fuses_style(normalization)
        channels = site.c_out
        self.bias = nn.Parameter(torch.zeros(channels))
        self.affine = None if w_index is None else _affine(w_dim, channels, normalization.style_size, options)
        if self.noise != "none":
            self.register_buffer("noise_const", torch.randn(site.resolution, site.resolution))
            self.noise_strength = nn.Parameter(torch.zeros([channels] if self.noise == "channel" else []))

    def forward(self, x: Tensor, ws: Sequence[Tensor], how: Pass) -> Tensor:
        """[N, C, H, W] to the same shape, without a convolution before; `ws` are `num_ws` tensors [N, w_dim]."""
        if not self.own_style:  # there is nothing that its style could scale
            return self.finish(x, None, None, how)
        return self.finish(*scaled_maps(x, self.normalization), self.style(ws), how)

    def style(self, ws: Sequence[Tensor]) -> Tensor:
        """The coefficients [N, style_size] of the normalization, or [N, 2 * C] of the block's own style."""
        assert self.affine is not None
        assert self.w_index is not None
        return self.affine(ws[self.w_index])

    def finish(self, y: Tensor, scale: Tensor | None, own_style: Tensor | None, how: Pass, gain: float = 1.0) -> Tensor:
        """gain * (statistic(activation(y * scale + noise + bias)) * y_s + y_b).

        `scale` is [N, C], `own_style` [N, 2 * C] is y_s beside y_b; None: 1, and no own style.
        """
        if own_style is not None:
            y_s, y_b = (own_style * gain).chunk(2, dim=1)
            return self.styled(self.activated(y, scale, how), y_s, y_b)
        if not has_statistic(self.normalization):
            return self.activated(y, scale, how, gain)
        y = self.normalization.statistic(self.activated(y, scale, how))  # which would undo the gain
        return y * gain if gain != 1 else y

    def styled(self, y: Tensor, y_s: Tensor, y_b: Tensor) -> Tensor:
        """statistic(y) * y_s + y_b."""
        if self.fused:
            return self.normalization.styled(y, y_s, y_b)
        return Normalization.styled(self.normalization, y, y_s, y_b)

    def activated(self, y: Tensor, scale: Tensor | None, how: Pass, gain: float = 1.0) -> Tensor:
        """gain * activation(y * scale + noise + bias)."""
        image = None if self.noise == "none" else how.noise(f"noise.{self.site.name}", self.noise_const, y.shape[0])
        added = None if image is None else (image, self.noise_strength)
        return self.activation(y, None if self.twice else self.bias, scale, added, gain)


class StyleConv(StyledLayer, Weighted):
    """A synthesis layer: [N, in, H, W] to [N, out, H, W], or twice the size with `up`."""

    resample_filter: Tensor | None

    def __init__(
        self, site: Site, normalization: Normalization, w_dim: int, w_index: int, options: StyleOptions, up: bool
    ) -> None:
        super().__init__(site, normalization, w_dim, w_index, options)
        self.up, self.resampling = up, options.resampling
        self.twice = up and options.activations == "twice"
        self.add_weight([site.c_out, site.c_in, 3, 3], self.activation.weight_gain)
        register_filter(self, options.resample_filter if up else None)

    def forward(self, x: Tensor, ws: Sequence[Tensor], how: Pass, gain: float = 1.0) -> Tensor:
        s, weight = self.style(ws), self.effective_weight()
        s, own = (s[:, :0], s) if self.own_style else (s, None)
        x, weight, out_scale = scaled_input(x, weight, s, self.normalization)
        if self.twice:
            y = resampled("up", None, self.resampling)(x, weight)
            y = self.activation(y, self.bias, out_scale(y))
            y = (
                y.clone() if self.resample_filter is None else filter2d(y, self.resample_filter)
            )  # it may be overwritten
            return self.finish(y, None, own, how, gain)
        y = resampled("up" if self.up else None, self.resample_filter, self.resampling)(x, weight)
        return self.finish(y, out_scale(y), own, how, gain)


class ToRGB(Weighted):
    """[N, C, H, W] to an image [N, channels, H, W]: 1x1, linear, not normalized, with a style or without."""

    def __init__(self, c_in: int, channels: int, w_dim: int, w_index: int | None, options: StyleOptions) -> None:
        super().__init__()
        self.w_index, self.activation = w_index, Activation(clamp=options.conv_clamp)
        self.affine = None if w_index is None else _affine(w_dim, c_in, c_in, options)
        self.bias = nn.Parameter(torch.zeros(channels))
        self.add_weight([channels, c_in, 1, 1])

    def forward(self, x: Tensor, ws: Sequence[Tensor], how: Pass) -> Tensor:
        weight = self.effective_weight()[None, :, :, 0, 0]  # [1, channels, C]
        if self.affine is not None and self.w_index is not None:
            weight = weight * self.affine(ws[self.w_index])[:, None]
        rows = x.permute(0, 2, 3, 1).flatten(1, 2)  # [N, H * W, C], a view of a channels_last tensor
        y = multiplied(torch.matmul, rows, weight.to(x.dtype).mT.expand(x.shape[0], -1, -1))
        y = y.unflatten(1, x.shape[2:]).permute(0, 3, 1, 2)
        return self.activation(y.to(self.weight.dtype), self.bias)


class AffineAroundStart(Linear):
    """[N, w_dim] to styles; the biases are added to `start`, [style_size] numbers."""

    start: Tensor

    def __init__(self, w_dim: int, start: Sequence[float], init_std: float | None = None) -> None:
        super().__init__(w_dim, len(start), init_std=init_std)
        self.register_buffer("start", torch.tensor(start), persistent=False)

    def forward(self, x: Tensor, scales: Normalization | None = None) -> Tensor:
        return super().forward(x, scales) + self.start


def _affine(w_dim: int, channels: int, style_size: int, options: StyleOptions) -> Linear:
    start = style_at_start(channels, style_size)
    if options.style_bias == "around_start":
        return AffineAroundStart(w_dim, start)
    return Linear(w_dim, len(start), bias_init=start)


def style_at_start(channels: int, style_size: int) -> list[float]:
    """Scales of 1; or, where the normalization takes no style (size 0), y_s of 1 and y_b of 0."""
    return [1.0] * style_size if style_size else [1.0] * channels + [0.0] * channels


def constant_input(channels: int, resolution: int, start: str) -> nn.Parameter:
    """The learned input [C, r, r] of the synthesis network: ones, or N(0, 1)."""
    shape = [channels, resolution, resolution]
    return nn.Parameter(torch.ones(shape) if start == "ones" else torch.randn(shape))
