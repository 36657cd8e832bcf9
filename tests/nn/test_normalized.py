"""Layers without styles compute gain * activation(statistic(conv(x * in_scale) * out_scale) + bias), in float64."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from gancore.contracts import Normalization, PluginConfig, Site
from gancore.errors import PluginError
from gancore.nn.activation import Activation
from gancore.nn.families.dense import Dense
from gancore.nn.layers import Conv2d, LateNormConv2d
from gancore.nn.unstyled import Projection, StatisticLayer, gained
from gancore_plugins.normalization.demod import Demod

ACTIVATION = Activation(0.2, gain=1.5, clamp=2.0)


class Everything(Normalization):
    """Scales that depend on whatever the contract passes, and a statistic that does not commute with them."""

    def in_scale(self, s: Tensor, weight: Tensor) -> Tensor:
        assert s.shape[1] == 0
        return (1 + weight.square().sum((0, 2, 3))).expand(len(s), -1)

    def out_scale(self, y: Tensor, s: Tensor, weight: Tensor) -> Tensor:
        return weight.square().sum((1, 2, 3)).rsqrt() * (1 + y.mean((2, 3)).square())

    def statistic(self, y: Tensor, parts: int = 1) -> Tensor:
        return y / y.unflatten(0, (parts, -1)).abs().amax(1).repeat_interleave(len(y) // parts, 0)


def normalization(c_in: int, c_out: int) -> Everything:
    return Everything(PluginConfig(), Site("b8.conv", 8, 0, 1, c_in, c_out, "discriminator", False))


def plain(x: Tensor, weight: Tensor, convolve: object, parts: int = 1) -> Tensor:
    """statistic(conv(x * in_scale) * out_scale), as the contract says it."""
    it, s = normalization(x.shape[1], len(weight)), x.new_zeros(len(x), 0)
    y = convolve(x * it.in_scale(s, weight)[:, :, None, None], weight)  # type: ignore[operator]
    return it.statistic(y * it.out_scale(y, s, weight)[:, :, None, None], parts)


def activated(y: Tensor, gain: float = 1.0) -> Tensor:
    return gain * (1.5 * F.leaky_relu(y, 0.2)).clamp(-2, 2)


def same(x: Tensor, weight: Tensor) -> Tensor:
    return F.conv2d(x, weight, padding=1)


def maps(channels: int, n: int = 4) -> Tensor:
    return torch.randn(n, channels, 8, 8, dtype=torch.float64)


def filled(module: torch.nn.Module) -> torch.nn.Module:
    for p in module.double().parameters():
        torch.nn.init.normal_(p)
    return module


def test_of_a_convolution() -> None:
    layer, x = filled(Conv2d(3, 5, activation=ACTIVATION, normalization=normalization(3, 5))), maps(3)
    expected = activated(plain(x, layer.weight * layer.weight_gain, same, 2) + layer.bias[:, None, None], 0.7)
    torch.testing.assert_close(layer(x, gain=0.7, parts=2), expected)


def test_of_a_convolution_whose_statistic_is_last() -> None:
    layer, x = filled(LateNormConv2d(3, 5, activation=ACTIVATION, normalization=normalization(3, 5))), maps(3)
    it, s, weight = normalization(3, 5), x.new_zeros(4, 0), layer.weight * layer.weight_gain
    y = same(x * it.in_scale(s, weight)[:, :, None, None], weight)
    y = activated(y * it.out_scale(y, s, weight)[:, :, None, None] + layer.bias[:, None, None])
    torch.testing.assert_close(layer(x, gain=0.7, parts=2), 0.7 * it.statistic(y, 2))


def test_of_a_learned_gain() -> None:
    made = gained(lambda site: normalization(3, 5), std=0.1)(normalization(3, 5).site)
    layer, x = filled(Conv2d(3, 5, bias=False, normalization=made)), maps(3)
    expected = plain(x, layer.weight * layer.weight_gain, same) * made.gain[:, None, None]
    torch.testing.assert_close(layer(x), expected)


def test_of_a_dense_layer() -> None:
    layer, x = filled(Dense(6, 5, "relu", 1.0, normalization(6, 5))), torch.randn(4, 6, dtype=torch.float64)
    expected = plain(x[:, :, None, None], layer.linear.weight[:, :, None, None], F.conv2d, 2).flatten(1)
    torch.testing.assert_close(layer(x, parts=2), F.relu(expected + layer.bias))


def test_of_a_projection() -> None:
    tail = StatisticLayer(normalization(6, 3), ACTIVATION)
    layer, w = filled(Projection(6, 3, 4, 1.0, tail)), torch.randn(4, 6, dtype=torch.float64)
    weight = layer.linear.weight.view(3, 4, 4, 6).permute(0, 3, 1, 2)  # a transposed convolution of one pixel
    made = plain(w[:, :, None, None], weight, lambda x, kernel: F.conv_transpose2d(x, kernel.transpose(0, 1)))
    torch.testing.assert_close(layer(w), activated(made + tail.bias[:, None, None]))


def test_behind_no_layer_and_behind_another_one() -> None:
    tail, conv, x = filled(StatisticLayer(normalization(3, 3), ACTIVATION)), filled(Conv2d(3, 3, bias=False)), maps(3)
    identity = torch.eye(3, dtype=torch.float64)[:, :, None, None]
    bias = tail.bias[:, None, None]
    torch.testing.assert_close(tail(x, 2), activated(plain(x, identity, F.conv2d, 2) + bias))
    after = tail(conv(x, scales=tail.normalization), 2, scaled_before=True)
    torch.testing.assert_close(after, activated(plain(x, conv.weight * conv.weight_gain, same, 2) + bias))


@pytest.mark.parametrize(
    "layer",
    [
        lambda it: Conv2d(3, 5, normalization=it),
        lambda it: LateNormConv2d(3, 5, normalization=it),
        lambda it: Dense(3, 5, "relu", 1.0, it),
        lambda it: StatisticLayer(it),
    ],
)
def test_who_takes_a_style_is_refused(layer: object) -> None:
    site = Site("b8.conv", 8, 0, 1, 3, 5, "generator", False)
    with pytest.raises(PluginError, match=r"Demod takes a style, and b8\.conv has none"):
        layer(Demod(Demod.Config(), site))  # type: ignore[operator]
