"""Gain, bias, noise and activation: gain * clamp(gain_of_activation * lrelu(y * scale + noise + bias)).

With biases, learning-rate multipliers or demodulation, the place of a leaky ReLU's gain sqrt(2) matters: PGGAN and
StyleGAN put it into the weight, StyleGAN2 after the activation. A leaky ReLU is positively homogeneous,
gain * lrelu(x) = lrelu(gain * x), so `Activation` applies the gains to the small tensors: scale, noise strength and
bias, or weight and bias. Smooth activations are multiplied afterwards.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, cast

import torch
from torch import Tensor
from torch.nn import functional as F

from gancore.nn.kernels.lrelu_clamp import lrelu_clamp
from gancore.nn.kernels.scaled import scaled_maps

GainIn = Literal["activation", "weight"]
Curve = Literal["silu", "gelu", "elu", "tanh"]
ActivationName = Literal["lrelu", "relu", "silu", "gelu", "elu", "tanh"]

SLOPES: Mapping[str, float] = {"lrelu": 0.2, "relu": 0.0}
CURVES: Mapping[str, Callable[[Tensor], Tensor]] = {"silu": F.silu, "gelu": F.gelu, "elu": F.elu, "tanh": torch.tanh}
GAINS: Mapping[str, float] = {"elu": 1.0, "tanh": 1.0}
"""Gains other than sqrt(2), that of activations which let about half of the variance pass (arXiv:1502.01852)."""


@dataclass(frozen=True)
class Activation:
    """clamp(gain * lrelu(x)) after a layer whose weight is multiplied by `weight_gain`; slope 1 is linear.

    A `curve` takes the place of the leaky ReLU.
    """

    slope: float = 1.0
    gain: float = 1.0
    weight_gain: float = 1.0
    clamp: float | None = None
    curve: Curve | None = None

    def __call__(
        self,
        y: Tensor,
        bias: Tensor | None = None,
        scale: Tensor | None = None,
        noise: tuple[Tensor, Tensor] | None = None,
        gain: float = 1.0,
    ) -> Tensor:
        """gain * self(y * scale + noise + bias), [N, C, H, W]; `y` may be overwritten.

        `bias` is [C], `scale` [N, C]; `noise` is an image [N or 1, 1, H, W] and its strength, [C] or a number.
        """
        total = self._before(gain)
        shift = None if bias is None else maps(bias[None] * total, y.dtype)
        added = None if noise is None else (noise[0], (noise[1] * total).view(-1, 1, 1))
        if scale is not None:
            return self.bounded(scaled_maps(y, maps(scale * total, y.dtype), shift, added), gain)
        if shift is not None:
            y = torch.add(shift, y, alpha=total)
        elif total != 1:
            y = y * total
        if added is not None:
            y = y.add_((added[0] * added[1]).to(y.dtype))
        return self.bounded(y, gain)

    def folded(
        self, weight: Tensor, bias: Tensor | None, gain: float = 1.0, bias_gain: float = 1.0
    ) -> tuple[Tensor, Tensor | None]:
        """Weight and bias * bias_gain with all gains in them, for a layer that only `bounded` follows."""
        total = self._before(gain)
        return weight * total if total != 1 else weight, None if bias is None else bias * (total * bias_gain)

    def bounded(self, y: Tensor, gain: float = 1.0) -> Tensor:
        """Activation and clamp of a `y` that has all gains before the activation in it; `y` may be overwritten."""
        clamp = None if self.clamp is None else self.clamp * gain
        if self.curve is None:
            return bias_act(y, slope=self.slope, clamp=clamp, inplace=True)
        return bias_act(CURVES[self.curve](y), slope=1.0, gain=gain * self.gain, clamp=clamp)

    def _before(self, gain: float) -> float:
        """The factor before the activation: all gains, or none where a curve bends them."""
        return gain * self.gain if self.curve is None else 1.0


def activation_of(
    name: ActivationName, gain_in: GainIn | None = "activation", clamp: float | None = None
) -> Activation:
    """An activation by its name; its gain is applied after the activation, in the weight, or nowhere (None)."""
    slope, curve = SLOPES.get(name, 1.0), None if name in SLOPES else cast("Curve", name)
    gain = GAINS.get(name, math.sqrt(2))
    behind, weight = gain if gain_in == "activation" else 1.0, gain if gain_in == "weight" else 1.0
    return Activation(slope, behind, weight, clamp, curve)


def leaky(gain_in: GainIn = "activation", clamp: float | None = None) -> Activation:
    """Leaky ReLU of slope 0.2 with gain sqrt(2), after the activation or in the weight."""
    return activation_of("lrelu", gain_in, clamp)


LINEAR = Activation()


def bias_act(
    x: Tensor,
    bias: Tensor | None = None,
    dim: int = 1,
    slope: float = 0.2,
    gain: float = 1.0,
    clamp: float | None = None,
    inplace: bool = False,
) -> Tensor:
    """clamp(gain * lrelu(x + bias)), of the shape of `x`; `bias` [x.shape[dim]], `clamp` bounds both sides.

    With `inplace` the values of `x` may be lost; only for an `x` that no other operation needs.
    """
    if bias is not None:
        x, inplace = x + bias.to(x.dtype).view([-1 if i == dim else 1 for i in range(x.ndim)]), True
    if gain != 1:
        x, slope, inplace = lrelu_clamp(x, slope, None, inplace) * gain, 1.0, True
    return lrelu_clamp(x, slope, clamp, inplace)


def maps(values: Tensor, dtype: torch.dtype) -> Tensor:
    """[N, C] as [N, C, 1, 1]."""
    return values.to(dtype)[:, :, None, None]
