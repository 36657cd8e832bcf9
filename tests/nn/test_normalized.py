"""Layers without styles compute gain * activation(statistic(conv(x * in_scale) * out_scale) + bias), in float64."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from gancore.contracts import Normalization, PluginConfig, Site
from gancore.errors import PluginError
from gancore.nn.activation import Activation
from gancore.nn.conditional import conditioned
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


class Looking(Normalization):
    """A gain of every channel from the condition, and a statistic."""

    def statistic(self, y: Tensor, parts: int = 1) -> Tensor:
        return y / y.abs().amax()

    def conditioned(self, y: Tensor, condition: Tensor, parts: int = 1) -> Tensor:
        return self.statistic(y, parts) * condition.sum(1)[:, None, None, None]


def looking(c_in: int, c_out: int, condition: int = 2) -> Looking:
    return Looking(PluginConfig(), Site("b8.conv", 8, 0, 1, c_in, c_out, "generator", False, condition))


CONDITION = torch.tensor([[1.0, 2.0], [0.5, 0.0], [3.0, 1.0], [0.0, -1.0]], dtype=torch.float64)
FACTOR = CONDITION.sum(1)[:, None, None, None]


def test_of_a_condition() -> None:
    """A convolution has its bias, a layer of statistic and bias has none, and neither has another gain."""
    layer, x = filled(Conv2d(3, 5, normalization=gained(lambda site: looking(3, 5))(looking(3, 5).site))), maps(3)
    y = same(x, layer.weight * layer.weight_gain)
    torch.testing.assert_close(layer(x, condition=CONDITION), y / y.abs().amax() * FACTOR + layer.bias[:, None, None])
    tail = StatisticLayer(looking(3, 3))
    assert not list(tail.parameters())
    torch.testing.assert_close(tail(x, condition=CONDITION), x / x.abs().amax() * FACTOR)
    dense, z = filled(Dense(6, 5, "lrelu", 1.0, looking(6, 5))), torch.randn(4, 6, dtype=torch.float64)
    y = z @ dense.linear.weight.T
    want = F.leaky_relu(y / y.abs().amax() * FACTOR[:, :, 0, 0] + dense.bias, 0.2)
    torch.testing.assert_close(dense(z, condition=CONDITION), want)


def test_where_a_condition_is_missing_and_where_there_is_none() -> None:
    x = maps(3)
    with pytest.raises(ValueError, match="labels"):
        Conv2d(3, 5, normalization=looking(3, 5)).double()(x)
    plain = StatisticLayer(looking(3, 3, condition=0)).double()
    torch.testing.assert_close(plain(x, condition=CONDITION), x / x.abs().amax())


def test_a_condition_reaches_what_does_not_look_at_it() -> None:
    """Any normalization can be followed by gain and shift of the condition; its scales and statistic stay."""
    site = Site("b8.conv", 8, 0, 1, 3, 3, "generator", False, 2)
    tail = StatisticLayer(conditioned(lambda site: Everything(PluginConfig(), site))(site))
    filled(tail)
    affine, x = tail.normalization.affine, maps(3)
    identity = torch.eye(3, dtype=torch.float64)[:, :, None, None]
    gain, shift = (layer.weight for layer in (affine.gain, affine.shift))
    want = plain(x, identity, F.conv2d) * (1 + CONDITION @ gain.T)[:, :, None, None]
    torch.testing.assert_close(tail(x, condition=CONDITION), want + (CONDITION @ shift.T)[:, :, None, None])
    assert isinstance(conditioned(lambda site: looking(3, 3))(site), Looking)
