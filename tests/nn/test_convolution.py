"""The closed set of convolution functions: first and second derivatives, and leaving out those of weights."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck
from torch.nn import functional as F
from torch.nn.grad import conv2d_weight

from gancore.nn import precision
from gancore.nn.gradients import input_gradients, no_weight_gradients
from gancore.nn.kernels.convolution import conv2d, conv_transpose2d
from gancore.nn.kernels.weight_gradient import by_matrix_products


def normal(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, requires_grad=True)


GEOMETRIES = [(1, 1, 1), (2, 0, 1), (2, 1, 1), (1, 0, 2)]


@pytest.mark.parametrize(("stride", "padding", "groups"), GEOMETRIES)
def test_derivatives_of_convolution(stride: int, padding: int, groups: int) -> None:
    torch.manual_seed(0)
    inputs = normal(1, 2, 5, 4), normal(2, 2 // groups, 3, 3), normal(2)

    def run(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return conv2d(x, weight, bias, stride, padding, groups)

    assert torch.allclose(run(*inputs), F.conv2d(*inputs, stride, padding, groups=groups))
    assert gradcheck(run, inputs)
    assert gradgradcheck(run, inputs)


@pytest.mark.parametrize(("stride", "padding"), [(1, 1), (2, 0), (2, 1)])
def test_derivatives_of_transposed_convolution(stride: int, padding: int) -> None:
    torch.manual_seed(0)
    inputs = normal(1, 2, 3, 2), normal(2, 2, 3, 3)

    def run(x: Tensor, weight: Tensor) -> Tensor:
        return conv_transpose2d(x, weight, stride, padding)

    assert torch.allclose(run(*inputs), F.conv_transpose2d(*inputs, stride=stride, padding=padding))
    assert gradcheck(run, inputs)
    assert gradgradcheck(run, inputs)


def test_weight_gradients_can_be_left_out() -> None:
    x, weight, bias = normal(1, 2, 4, 4), normal(3, 2, 3, 3), normal(3)
    with no_weight_gradients():
        conv2d(x, weight, bias, padding=1).square().sum().backward()
    assert x.grad is not None
    assert weight.grad is None
    assert bias.grad is None
    conv2d(x, weight, bias, padding=1).square().sum().backward()
    assert weight.grad is not None


def test_input_gradients_are_differentiable_to_the_weight() -> None:
    """d |d sum(y^2) / dx|^2 / dw equals PyTorch's own."""
    torch.manual_seed(0)
    x, weight = normal(2, 3, 5, 5), normal(4, 3, 3, 3)
    results = []
    for convolve in (conv2d, F.conv2d):
        y = convolve(x, weight, padding=1)
        (grads,) = input_gradients(y.square(), x)
        results.append(torch.autograd.grad(grads.square().sum(), weight)[0])
    assert torch.allclose(*results)


@pytest.mark.parametrize(("size", "stride", "padding"), [(4, 1, 1), (33, 2, 0), (48, 1, 1), (9, 2, 1)])
def test_weight_gradient_by_matrix_products(size: int, stride: int, padding: int) -> None:
    """Several images a product, several products an image, and a last product that is smaller."""
    torch.manual_seed(0)
    x = torch.randn(3, 5, size, size, dtype=torch.float64).contiguous(memory_format=torch.channels_last)
    shape = torch.Size([7, 5, 3, 3])
    g = torch.randn_like(F.conv2d(x, x.new_zeros(shape), stride=stride, padding=padding))
    want = conv2d_weight(x, shape, g, stride, padding)
    torch.testing.assert_close(by_matrix_products(x, g, shape, stride, padding), want)


def test_images_are_channels_last() -> None:
    y = conv2d(torch.randn(2, 3, 8, 8), torch.randn(4, 3, 3, 3))
    assert y.is_contiguous(memory_format=torch.channels_last)


def test_autocast_reaches_values_and_both_derivatives() -> None:
    torch.manual_seed(0)
    x, weight = torch.randn(2, 4, 8, 8, requires_grad=True), torch.randn(4, 4, 3, 3, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        y = conv2d(x, weight, padding=1)
        (grads,) = input_gradients(y.float().square(), x)
    assert y.dtype == torch.bfloat16
    assert grads.dtype == torch.float32
    grads.square().mean().backward()
    exact = conv2d(x, weight, padding=1)
    assert weight.grad is not None
    assert torch.allclose(y.float(), exact, atol=0.1)


def test_bf16_is_rounded_once_where_a_cpu_cannot_multiply_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Image and gradients of all three functions beside float64 of the same bf16 numbers."""
    monkeypatch.setattr(precision, "CPU_HAS_BF16", False)
    torch.manual_seed(0)
    x, weight, proj = (torch.randn(*shape).bfloat16() for shape in [(2, 8, 6, 6), (4, 8, 3, 3), (2, 4, 6, 6)])
    results = []
    for dtype in (torch.bfloat16, torch.float64):
        inputs = [value.to(dtype).requires_grad_() for value in (x, weight)]
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
            y = conv2d(*inputs, padding=1)
            results.append([y, *torch.autograd.grad(y, inputs, proj.to(dtype))])
    for low, exact in zip(*results, strict=True):
        assert low.dtype == torch.bfloat16
        torch.testing.assert_close(low.double(), exact, rtol=2**-8, atol=1e-5)  # half of its last place


def test_a_cpu_without_bf16_is_never_asked_to_multiply_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "CPU_HAS_BF16", False)
    given: list[torch.dtype] = []

    def watched(kernel: Callable[..., Tensor]) -> Callable[..., Tensor]:
        def noted(x: Tensor, *args: Any, **options: Any) -> Tensor:
            given.append(x.dtype)
            return kernel(x, *args, **options)

        return noted

    for name in ("conv2d", "conv_transpose2d"):
        monkeypatch.setattr(F, name, watched(getattr(F, name)))
    x, weight = torch.randn(1, 2, 4, 4, requires_grad=True), torch.randn(2, 2, 3, 3)
    with torch.autocast("cpu", torch.bfloat16):
        conv2d(x, weight, padding=1).sum().backward()
    assert given == [torch.float32] * 2
