"""Layers of the alias-free generator.

    conv(x * in_scale) * input_gain * out_scale + bias, filtered nonlinearity, statistic, y * y_s + y_b

Source: arXiv:2106.12423 section 3: the input gain replaces noise and normalization between layers, and a nonlinearity
acts on a denser grid between two low-pass filters, so that the frequencies it makes do not alias.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gancore.contracts import Mean, Normalization, Part, Pass, Site
from gancore.nn import (
    LINEAR,
    Activation,
    StepMean,
    StyledLayer,
    ToRGB,
    Weighted,
    at_least_float32,
    bias_act,
    conv2d,
    processes,
    scaled_input,
    upfirdn2d,
)

from .filters import lowpass
from .options import AliasFreeConfig
from .table import LayerSpec


class MeasuredInput(Part):
    """Part of a layer: keeps the mean square of its input, and with it the gain that makes it 1."""

    magnitude_decay: float
    magnitude_ema: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("magnitude_ema", torch.ones([]))
        self.step_mean = StepMean()

    def input_gain(self, x: Tensor, update: bool) -> Tensor:
        """The present gain; with `update` it moves at the end of the step."""
        if update:
            self.step_mean.add(at_least_float32(x.detach()).square().mean())
        return self.magnitude_ema.rsqrt()

    def end_step(self, mean: Mean) -> None:
        self.step_mean.move(self.magnitude_ema, 1 - self.magnitude_decay, mean)


class FilteredActivation(nn.Module):
    """Upsampled, activated, downsampled: [N, C, H, W] to [N, C, size, size]."""

    up_filter: Tensor | None
    down_filter: Tensor | None

    def __init__(self, spec: LayerSpec, activation: Activation, radial: bool) -> None:
        super().__init__()
        self.up, self.down, self.padding = spec.up, spec.down, [*spec.padding, *spec.padding]
        self.activation = activation
        rate, all_ways = spec.inner_rate, radial and not spec.critical
        before, after = spec.before, spec.after
        up = lowpass(spec.up_taps, before.cutoff, before.half_width, rate)
        down = lowpass(spec.down_taps, after.cutoff, after.half_width, rate, all_ways)
        for name, kernel in (("up_filter", up), ("down_filter", down)):
            taps = None if kernel is None else torch.tensor(kernel, dtype=torch.float32)
            self.register_buffer(name, taps, persistent=False)

    def forward(self, y: Tensor) -> Tensor:
        gain = self.up**2 * self.activation.gain  # ahead of the activation, as in gancore.nn.activation
        y = upfirdn2d(y, self.up_filter, up=self.up, padding=self.padding, gain=gain)
        y = bias_act(y, slope=self.activation.slope, clamp=self.activation.clamp)
        return upfirdn2d(y, self.down_filter, down=self.down)


class AliasFreeLayer(StyledLayer, Weighted, MeasuredInput):
    """A style block whose nonlinearity is filtered: [N, in, before.size, ...] to [N, out, after.size, ...]."""

    def __init__(
        self, spec: LayerSpec, site: Site, normalization: Normalization, w_index: int, cfg: AliasFreeConfig
    ) -> None:
        super().__init__(site, normalization, cfg.w_dim, w_index, cfg.style)
        self.magnitude_decay = cfg.magnitude_decay
        self.filtered = FilteredActivation(spec, self.activation, cfg.radial_filters)
        self.prenormalize = cfg.prenormalize and not self.own_style
        self.add_weight([site.c_out, site.c_in, spec.kernel_size, spec.kernel_size])

    def forward(self, x: Tensor, ws: Sequence[Tensor], how: Pass) -> Tensor:
        s, weight = self.style(ws), self.effective_weight()
        if self.prenormalize:  # as in the code of arXiv:2006.06676, for half precision; demodulation undoes it
            weight = weight * weight.square().sum((1, 2, 3), keepdim=True).rsqrt()
            s = s * processes.mean(s.square().mean()).rsqrt()  # of the whole batch
        gain = self.input_gain(x, how.update_emas)
        s, own = (s[:, :0], s) if self.own_style else (s, None)
        x, weight, out_scale = scaled_input(x, weight, s, self.normalization)
        y = conv2d(x, weight * gain, padding=weight.shape[-1] - 1)
        return self.finish(y, out_scale(y), own, how)

    def activated(self, y: Tensor, scale: Tensor | None, how: Pass, gain: float = 1.0) -> Tensor:
        return self.filtered(LINEAR(y, self.bias, scale, gain=gain))


class AliasFreeToRGB(ToRGB, MeasuredInput):
    """A toRGB with the gain of its input."""

    def __init__(self, spec: LayerSpec, w_index: int, cfg: AliasFreeConfig) -> None:
        super().__init__(spec.before.channels, spec.after.channels, cfg.w_dim, w_index, cfg.style)
        self.magnitude_decay = cfg.magnitude_decay

    def forward(self, x: Tensor, ws: Sequence[Tensor], how: Pass) -> Tensor:
        return super().forward(x * self.input_gain(x, how.update_emas).to(x.dtype), ws, how)
