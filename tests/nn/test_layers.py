"""Weighted layers: equalized learning rate, gains, weight normalization; minibatch standard deviation; noise."""

import copy
import math

import pytest
import torch
from support.fakes import FakeDraw
from torch import Tensor, nn

from gancore.contracts import Pass, WeightNormalization
from gancore.errors import PluginError
from gancore.nn import attach_weight_normalization
from gancore.nn.activation import Activation, leaky
from gancore.nn.layers import Conv2d, Linear
from gancore.nn.minibatch_std import MinibatchStd, group_size


def test_equalized_layers_keep_the_variance() -> None:
    torch.manual_seed(0)
    x = torch.randn(64, 128, 8, 8)
    assert Conv2d(128, 64)(x)[..., 1:-1, 1:-1].std().item() == pytest.approx(1, abs=0.05)
    assert Linear(512, 512)(torch.randn(256, 512)).std().item() == pytest.approx(1, abs=0.05)
    assert Conv2d(128, 64).weight.std().item() == pytest.approx(1, abs=0.05)


def test_lr_multiplier_divides_what_is_stored_and_multiplies_what_is_used() -> None:
    torch.manual_seed(0)
    layer = Linear(256, 256, bias_init=0.3, lr_multiplier=0.01)
    assert layer.weight.std().item() == pytest.approx(100, rel=0.05)
    assert layer(torch.randn(512, 256)).std().item() == pytest.approx(1, abs=0.05)
    assert torch.allclose(layer(torch.zeros(1, 256)), torch.tensor(0.3))


def test_init_std_gives_an_ordinary_layer() -> None:
    torch.manual_seed(0)
    layer = Conv2d(64, 64, init_std=0.02)
    assert layer.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert torch.equal(layer.effective_weight(), layer.weight)


@pytest.mark.parametrize("gain_in", ["activation", "weight"])
def test_where_the_gain_stands_shows_in_the_bias(gain_in: str) -> None:
    layer = Linear(4, 1, bias_init=1.0, activation=leaky(gain_in))  # type: ignore[arg-type]
    expected = math.sqrt(2) if gain_in == "activation" else 1.0
    assert layer(torch.zeros(1, 4)).item() == pytest.approx(expected)


def test_gain_and_clamp_are_those_of_the_output() -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 4, 8, 8)
    layer = Conv2d(4, 8, activation=leaky(clamp=0.5))
    y = layer(x)
    assert y.abs().max() == 0.5
    assert torch.allclose(layer(x, gain=0.7), 0.7 * y, atol=1e-6)


class Doubled(WeightNormalization):
    def forward(self, weight: Tensor) -> Tensor:
        return 2 * weight


def test_weight_normalization_reaches_every_layer() -> None:
    network = nn.Sequential(Conv2d(2, 3), nn.Sequential(Linear(4, 5, activation=Activation())))
    before = [m.effective_weight() for m in (network[0], network[1][0])]
    shapes: list[torch.Size] = []

    def make(shape: torch.Size) -> WeightNormalization:
        shapes.append(shape)
        return Doubled(None, shape)

    attach_weight_normalization(network, make)
    assert shapes == [(3, 2, 3, 3), (5, 4)]
    for layer, weight in zip((network[0], network[1][0]), before, strict=True):
        assert torch.equal(layer.effective_weight(), 2 * weight)
    assert list(copy.deepcopy(network).state_dict()) == list(network.state_dict())


@pytest.mark.parametrize("plain", [nn.Linear(2, 2), nn.Conv2d(2, 2, 3), nn.ConvTranspose2d(2, 2, 3)])
def test_a_layer_out_of_reach_is_named(plain: nn.Module) -> None:
    network = nn.Module()
    network.head = nn.Sequential(plain)
    with pytest.raises(PluginError, match=r"cannot reach head\.0"):
        attach_weight_normalization(network, lambda shape: Doubled(None, shape))


# --- minibatch standard deviation ----------------------------------------------------------------------------------


def test_groups_are_strided() -> None:
    """Of 8 images in groups of 4, the images 0, 2, 4, 6 form one and 1, 3, 5, 7 the other."""
    x = torch.zeros(8, 3, 2, 2)
    x[0::2] += torch.arange(4.0)[:, None, None, None]  # even images differ, odd ones are alike
    added = MinibatchStd(4)(x)[:, 3]
    std = torch.arange(4.0).var(correction=0).sqrt()
    assert torch.allclose(added[0::2], std)
    assert torch.allclose(added[1::2], torch.tensor(1e-4))


def test_parts_of_a_batch_do_not_see_each_other() -> None:
    torch.manual_seed(0)
    a, b = torch.randn(6, 4, 2, 2), 100 * torch.randn(6, 4, 2, 2)
    layer = MinibatchStd(3, channels=2)
    together = layer(torch.cat([a, b]), parts=2)
    assert torch.allclose(together, torch.cat([layer(a), layer(b)]))


@pytest.mark.parametrize(
    ("n", "wanted", "group"),
    [(8, 4, 4), (4, 4, 4), (3, 4, 3), (1, 4, 1), (6, 4, 3), (5, 4, 5), (10, 4, 2), (8, None, 8), (12, 1, 12)],
)
def test_group_sizes_divide_the_batch(n: int, wanted: int | None, group: int) -> None:
    assert group_size(n, wanted) == group


# --- noise ---------------------------------------------------------------------------------------------------------


def test_noise_follows_mode_and_draw() -> None:
    stored = torch.randn(4, 4)
    assert Pass("none").noise("a", stored, 2) is None
    const = Pass("const").noise("a", stored, 2)
    assert const is not None
    assert torch.equal(const[0, 0], stored)
    drawn = [Pass("random", draw=FakeDraw(2)).noise(purpose, stored, 2) for purpose in ("a", "a", "b")]
    assert drawn[0] is not None
    assert drawn[0].shape == (2, 1, 4, 4)
    assert torch.equal(drawn[0], drawn[1])  # type: ignore[arg-type]
    assert not torch.equal(drawn[0], drawn[2])  # type: ignore[arg-type]
