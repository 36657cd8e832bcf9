"""Linear and convolution layers with the equalized learning rate.

Source: arXiv:1710.10196 section 4.1: weights are stored with unit variance and multiplied by gain / sqrt(fan_in)
each time they are used; with a learning-rate multiplier m they are stored with 1 / m and multiplied by m too.
`init_std` makes ordinary layers instead: weights of that standard deviation, not multiplied by anything.

Every weight that is used comes from `effective_weight()`, which passes it through `weight_normalization`.
"""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gancore.contracts import Normalization, WeightNormalization
from gancore.errors import PluginError
from gancore.nn.activation import LINEAR, Activation
from gancore.nn.kernels.resample import setup_filter
from gancore.nn.kernels.resampled_conv import Convolve, Resampling, Sampling, resampled
from gancore.nn.normalized import (
    has_scales,
    has_statistic,
    no_style,
    normalized,
    scaled,
    scaled_input,
    scaled_linear,
    without_style,
)
from gancore.nn.precision import full_precision


class Weighted(nn.Module):
    """A layer with one weight [out, in, ...]."""

    weight: nn.Parameter
    weight_normalization: nn.Module

    def add_weight(
        self, shape: Sequence[int], gain: float = 1.0, lr_multiplier: float = 1.0, init_std: float | None = None
    ) -> None:
        """Creates `weight`; `gain` is that of the output for inputs of unit variance."""
        fan_in = math.prod(shape[1:])
        equalized = init_std is None
        self.weight_gain = gain * lr_multiplier / math.sqrt(fan_in) if equalized else gain
        self.weight = nn.Parameter(torch.randn(*shape) * (1 / lr_multiplier if init_std is None else init_std))
        self.weight_normalization = nn.Identity()

    def effective_weight(self) -> Tensor:
        """The weight to use; call it once a forward pass (spectral normalization iterates at each call)."""
        return self.weight_normalization(self.weight * self.weight_gain)


class Linear(Weighted):
    """[N, in] to [N, out], in full precision."""

    def __init__(
        self,
        c_in: int,
        c_out: int,
        bias_init: float | Sequence[float] | None = 0.0,
        lr_multiplier: float = 1.0,
        activation: Activation = LINEAR,
        gain: float = 1.0,
        init_std: float | None = None,
    ) -> None:
        """`bias_init` is the bias at the start, one number or one a feature; None: no bias."""
        super().__init__()
        self.activation, self.lr_multiplier = activation, lr_multiplier
        self.add_weight([c_out, c_in], activation.weight_gain * gain, lr_multiplier, init_std)
        start = None if bias_init is None else torch.as_tensor(bias_init, dtype=torch.float32) / lr_multiplier
        self.bias = None if start is None else nn.Parameter(start * torch.ones(c_out))

    def forward(self, x: Tensor, scales: Normalization | None = None) -> Tensor:
        """`scales`: a normalization after this layer, whose scales act on it; then there is no bias or activation."""
        with full_precision(x):
            weight = self.effective_weight()
            x = x.to(weight.dtype)
            if scales is not None and has_scales(scales):
                return scaled_linear(x, weight, scales)
            weight, bias = self.activation.folded(weight, self.bias, bias_gain=self.lr_multiplier)
            return self.activation.bounded(F.linear(x, weight, bias))


class Conv2d(Weighted):
    """[N, in, H, W] to [N, out, H, W], or twice or half the size where `sampling` is up or down.

    The order is convolution (between the scales of the normalization), statistic, bias, activation.
    """

    resample_filter: Tensor | None

    def __init__(
        self,
        c_in: int,
        c_out: int,
        kernel_size: int = 3,
        bias: bool = True,
        sampling: Sampling | None = None,
        resample_filter: Sequence[float] | None = (1, 3, 3, 1),
        resampling: Resampling = "fir",
        activation: Activation = LINEAR,
        normalization: Normalization | None = None,
        init_std: float | None = None,
    ) -> None:
        super().__init__()
        self.activation, self.sampling, self.resampling = activation, sampling, resampling
        self.normalization = None if normalization is None else without_style(normalization)
        self.add_weight([c_out, c_in, kernel_size, kernel_size], activation.weight_gain, init_std=init_std)
        self.bias = nn.Parameter(torch.zeros(c_out)) if bias else None
        register_filter(self, resample_filter if sampling else None)

    def forward(
        self,
        x: Tensor,
        gain: float = 1.0,
        parts: int = 1,
        scales: Normalization | None = None,
        condition: Tensor | None = None,
    ) -> Tensor:
        """`gain` multiplies the output; see `Normalization.statistic` for `parts`, and `conditioned` for `condition`.

        `scales`: a normalization after this layer, whose scales act on it, if the layer has no normalization.
        """
        weight, normalization = self.effective_weight(), scales if self.normalization is None else self.normalization
        if normalization is None or not (has_scales(normalization) or has_statistic(normalization)):
            weight, bias = self.activation.folded(weight, self.bias, gain)
            return self.activation.bounded(self.convolve(x, weight, bias), gain)
        x, weight, out_scale = scaled_input(x, weight, no_style(x, weight), normalization)
        y = self.convolve(x, weight)
        return self.finish(y, out_scale(y), gain, parts, condition)

    def finish(
        self, y: Tensor, scale: Tensor | None, gain: float, parts: int, condition: Tensor | None = None
    ) -> Tensor:
        """gain * activation(statistic(y * scale) + bias); `scale` [N, out] is that of the convolution's output."""
        if self.normalization is not None and has_statistic(self.normalization):
            y, scale = normalized(self.normalization, scaled(y, scale), parts, condition), None
        return self.activation(y, self.bias, scale, gain=gain)

    @property
    def convolve(self) -> Convolve:
        """The convolution alone, resampled: convolve(x, weight [out, in, k, k], bias [out])."""
        return resampled(self.sampling, self.resample_filter, self.resampling)


class LateNormConv2d(Conv2d):
    """A convolution whose statistic is last: convolution, bias, activation, statistic."""

    normalization: Normalization

    def finish(
        self, y: Tensor, scale: Tensor | None, gain: float, parts: int, condition: Tensor | None = None
    ) -> Tensor:
        """gain * statistic(activation(y * scale + bias))."""
        y = normalized(self.normalization, self.activation(y, self.bias, scale), parts, condition)
        return y * gain if gain != 1 else y


def register_filter(module: nn.Module, taps: Sequence[float] | None) -> None:
    """Registers the buffer `resample_filter`, which is not part of the state: the options determine it."""
    module.register_buffer("resample_filter", None if taps is None else setup_filter(list(taps)), persistent=False)


def attach_weight_normalization(network: nn.Module, make: Callable[[torch.Size], WeightNormalization]) -> None:
    """Attaches a separate weight normalization to every weighted layer of a network.

    Raises PluginError if the network has layers whose weight it cannot reach.
    """
    plain = [name for name, m in network.named_modules() if isinstance(m, nn.Linear | nn.modules.conv._ConvNd)]
    if plain:
        raise PluginError(
            f"weight_normalization cannot reach {', '.join(plain)} of {type(network).__name__}: "
            "its layers are not built from gancore.nn; leave weight_normalization out"
        )
    for module in list(network.modules()):
        if isinstance(module, Weighted):
            normalization = make(module.weight.shape)
            module.weight_normalization = normalization.to(module.weight.device, module.weight.dtype)
