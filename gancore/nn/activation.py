"""Bias and activation.

Where the gain sqrt(2) of a leaky ReLU stands is not a matter of taste once biases, learning-rate multipliers or
demodulation are there: PGGAN and StyleGAN put it into the weight, StyleGAN2 behind the activation. Since a leaky
ReLU is positively homogeneous, the latter is computed by scaling weight and bias: gain * lrelu(x) = lrelu(gain * x).
"""

import math
from dataclasses import dataclass
from typing import Literal

from torch import Tensor
from torch.nn import functional as F

GainIn = Literal["activation", "weight"]


@dataclass(frozen=True)
class Activation:
    """clamp(gain * lrelu(x)) after a layer whose weight is multiplied by `weight_gain`; slope 1 is linear."""

    slope: float = 1.0
    gain: float = 1.0
    weight_gain: float = 1.0
    clamp: float | None = None

    def __call__(self, y: Tensor, bias: Tensor | None, scale: float = 1.0) -> Tensor:
        """The activation of `y` (already multiplied by gain * scale), which is overwritten where that is safe."""
        clamp = None if self.clamp is None else self.clamp * scale
        return bias_act(y, bias, slope=self.slope, clamp=clamp, inplace=True)


def leaky(gain_in: GainIn = "activation", clamp: float | None = None) -> Activation:
    """Leaky ReLU of slope 0.2 with gain sqrt(2), behind the activation or in the weight."""
    if gain_in == "activation":
        return Activation(0.2, gain=math.sqrt(2), clamp=clamp)
    return Activation(0.2, weight_gain=math.sqrt(2), clamp=clamp)


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
    if slope != 1:
        x = F.leaky_relu(x, slope, inplace=inplace)
    if gain != 1:
        x = x * gain
    return x if clamp is None else x.clamp(-clamp, clamp)
