"""Activations by name: what a layer computes with each of them, in float64, and that networks take them."""

import math
from typing import get_args

import pytest
import torch
from support.small import experiment_of
from torch import Tensor
from torch.nn import functional as F

from gancore.composition import compose
from gancore.contracts import Interface
from gancore.nn import ActivationName, Conv2d, GainIn, Linear, activation_of

PLAIN = {
    "lrelu": (lambda x: torch.where(x > 0, x, 0.2 * x), math.sqrt(2)),
    "relu": (lambda x: x.clamp_min(0), math.sqrt(2)),
    "silu": (lambda x: x / (1 + (-x).exp()), math.sqrt(2)),
    "gelu": (lambda x: x / 2 * (1 + torch.erf(x / math.sqrt(2))), math.sqrt(2)),
    "elu": (lambda x: torch.where(x > 0, x, x.clamp_max(0).expm1()), 1.0),
    "tanh": (lambda x: 1 - 2 / ((2 * x).exp() + 1), 1.0),
}
"""Each activation written out, and its gain."""

NAMES = pytest.mark.parametrize("name", get_args(ActivationName))


def random(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@NAMES
@pytest.mark.parametrize("gain_in", ["activation", "weight", None])
def test_of_a_convolution_and_of_a_dense_layer(name: ActivationName, gain_in: GainIn | None) -> None:
    """The gain stands after the activation or in the weight, never in the bias; that of a branch, after it."""
    curve, gain = PLAIN[name]
    after, within = gain if gain_in == "activation" else 1.0, gain if gain_in == "weight" else 1.0
    activation, x = activation_of(name, gain_in, clamp=1.5), random(2, 3, 5, 5)
    conv = Conv2d(3, 4, activation=activation).double()
    conv.bias.data.copy_(random(4))
    y = F.conv2d(x, conv.weight * within / math.sqrt(27), conv.bias, padding=1)
    torch.testing.assert_close(conv(x, gain=0.7), 0.7 * (after * curve(y)).clamp(-1.5, 1.5))
    dense = Linear(3, 4, activation=activation_of(name, gain_in), lr_multiplier=0.1).double()
    dense.bias.data.copy_(random(4))
    y = F.linear(x[:, :, 0, 0], dense.weight * within * 0.1 / math.sqrt(3), 0.1 * dense.bias)
    torch.testing.assert_close(dense(x[:, :, 0, 0]), after * curve(y))


@NAMES
def test_with_scale_noise_and_bias(name: ActivationName) -> None:
    curve, gain = PLAIN[name]
    y, bias, scale, image, strength = random(2, 3, 4, 4), random(3), random(2, 3), random(2, 1, 4, 4), random(3)
    want = y * scale[:, :, None, None] + image * strength[:, None, None] + bias[:, None, None]
    got = activation_of(name)(y.clone(), bias, scale, (image, strength), gain=0.5)
    torch.testing.assert_close(got, 0.5 * gain * curve(want))


@pytest.mark.parametrize(
    ("generator", "discriminator", "name"),
    [
        ("skip", "residual", "silu"),
        ("resnet", "biggan", "gelu"),
        ("biggan", "resnet", "elu"),
        ("dcgan", "dcgan", "tanh"),
    ],
)
def test_networks_compute_with_it(generator: str, discriminator: str, name: str) -> None:
    """Both networks give something else than with their own activation, and gradients are finite."""
    overrides = [f"{kind}.activation={name}" for kind in ("generator", "discriminator")]
    outputs = []
    for chosen in (overrides, []):
        gan = compose(experiment_of(generator, discriminator, *chosen), Interface(16, 3))
        image = gan.generator(torch.randn(4, gan.generator.z_dim, generator=torch.Generator().manual_seed(0)))
        logits = gan.discriminator((random(4, 3, 16, 16).float(),))[0]
        (image.square().sum() + logits.sum()).backward()
        gradients = [p.grad for network in (gan.generator, gan.discriminator) for p in network.parameters()]
        assert all(gradient is None or gradient.isfinite().all() for gradient in gradients)
        outputs.append((image, logits))
    for other, own in zip(*outputs, strict=True):
        assert not torch.allclose(other, own)
