"""Winograd's convolution: equal to the direct one, and taken only where it was measured to pay."""

import pytest
import torch
from torch.nn import functional as F
from torch.nn.grad import conv2d_weight

from gancore.nn.kernels import winograd
from gancore.nn.kernels.convolution import conv2d, conv_transpose2d

SIZES = [(3, 4, 8), (5, 48, 16), (20, 16, 16)]  # images, height, width: whole and incomplete chunks


def normal(*shape: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    x = torch.randn(*shape, dtype=dtype)
    return x.contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(("n", "height", "width"), SIZES)
def test_equals_the_direct_sum(n: int, height: int, width: int) -> None:
    torch.manual_seed(0)
    x, g, weight = normal(n, 5, height, width), normal(n, 7, height, width), normal(7, 5, 3, 3)
    torch.testing.assert_close(winograd.convolution(x, weight), F.conv2d(x, weight, padding=1))
    torch.testing.assert_close(winograd.weight_gradient(x, g), conv2d_weight(x, weight.shape, g, 1, 1))


def test_float32_error_is_a_few_times_that_of_the_direct_sum() -> None:
    torch.manual_seed(0)
    x, g, weight = (normal(*shape, dtype=torch.float32) for shape in ((8, 64, 16, 16), (8, 64, 16, 16), (64, 64, 3, 3)))
    for got, want in (
        (winograd.convolution(x, weight), F.conv2d(x.double(), weight.double(), padding=1)),
        (winograd.weight_gradient(x, g), conv2d_weight(x.double(), weight.shape, g.double(), 1, 1)),
    ):
        assert (got - want).norm() / want.norm() < 1e-5


def test_activations_stay_channels_last() -> None:
    y = winograd.convolution(normal(2, 5, 8, 8), normal(7, 5, 3, 3))
    assert y.is_contiguous(memory_format=torch.channels_last)


def test_derivatives_through_it_are_those_of_the_direct_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    """First and second derivatives of y, dx and dw, with every convolution that fits computed so, and with none."""
    torch.manual_seed(0)
    x, w, v = normal(2, 3, 8, 8), normal(4, 3, 3, 3), normal(2, 3, 3, 3)

    def derivatives(wanted: bool) -> list[torch.Tensor]:
        monkeypatch.setattr(winograd, "pays", lambda x, shape, stride, padding, groups, channels: wanted)
        inputs = [p.clone().requires_grad_() for p in (x, w, v, torch.ones(4, dtype=x.dtype))]
        y = F.leaky_relu(conv2d(inputs[0], inputs[1], inputs[3], padding=1), 0.3, inplace=True).tanh()
        y = conv2d(conv_transpose2d(y, inputs[1], padding=1).tanh(), inputs[2], padding=1)
        first = torch.autograd.grad(y.square().sum(), inputs, create_graph=True)
        return [*first, *torch.autograd.grad(sum(g.square().sum() for g in first), inputs)]

    torch.testing.assert_close(derivatives(True), derivatives(False))


@pytest.mark.parametrize("change", ["float64", "odd size", "few channels", "stride", "groups", "1x1", "small", "meta"])
def test_is_left_out_where_it_does_not_fit_or_pay(change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(winograd, "CPU_CAPABILITY", "AVX2")
    x, shape, options = torch.zeros(1, 64, 32, 32), [64, 64, 3, 3], {"stride": 1, "padding": 1, "groups": 1}
    assert winograd.pays(x, shape, **options, channels=64)
    x = x.double() if change == "float64" else x.to("meta") if change == "meta" else x
    x = x[:, :, :31] if change == "odd size" else x[:, :, :8] if change == "small" else x
    shape = {"few channels": [3, 64, 3, 3], "groups": [64, 32, 3, 3], "1x1": [64, 64, 1, 1]}.get(change, shape)
    options |= {"stride": {"stride": 2}, "groups": {"groups": 2}}.get(change, {})
    assert not winograd.pays(x, shape, **options, channels=64)


def test_other_processors_use_their_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(winograd, "CPU_CAPABILITY", "AVX512")
    assert not winograd.pays(torch.zeros(1, 64, 32, 32), [64, 64, 3, 3], 1, 1, 1, channels=64)
