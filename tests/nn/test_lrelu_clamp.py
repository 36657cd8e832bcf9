"""Leaky ReLU and clamp: torch's values and derivatives, to the second order, and nothing kept but the output."""

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck
from torch.autograd.graph import saved_tensors_hooks
from torch.nn import functional as F

from gancore.nn.kernels import plain_kernels
from gancore.nn.kernels.lrelu_clamp import lrelu_clamp

CASES = [(0.2, 0.7), (0.2, None), (0.0, 0.7), (1.0, 0.7), (1.0, None)]


def derived(x: Tensor, slope: float, clamp: float | None, inplace: bool) -> list[Tensor]:
    """y, dy/dx, and derivatives of the squares of dy/dx by x and by what comes from above."""
    leaf, above = (
        x.clone().requires_grad_(),
        torch.linspace(-1, 2, x.numel(), dtype=x.dtype).view_as(x).requires_grad_(),
    )
    y = lrelu_clamp(leaf.sin() * 2, slope, clamp, inplace)
    (dx,) = torch.autograd.grad((y * above).sum(), leaf, create_graph=True)
    return [y, dx, *torch.autograd.grad(dx.square().sum(), (leaf, above))]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("inplace", [False, True])
@pytest.mark.parametrize(("slope", "clamp"), CASES)
def test_bits_are_those_of_torch(slope: float, clamp: float | None, inplace: bool, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 3, 4, 5).to(dtype).contiguous(memory_format=torch.channels_last)
    found = derived(x, slope, clamp, inplace)
    with plain_kernels():
        expected = derived(x, slope, clamp, inplace)
    for ours, theirs in zip(found, expected, strict=True):
        exact = dtype != torch.bfloat16  # where the mask rounds the slope
        torch.testing.assert_close(ours, theirs, rtol=0 if exact else 0.02, atol=0 if exact else 0.02)
        assert slope == 1 or ours.stride() == theirs.stride()


@pytest.mark.parametrize(("slope", "clamp"), CASES)
def test_derivatives_against_differences(slope: float, clamp: float | None) -> None:
    torch.manual_seed(1)
    x = torch.randn(3, 4, dtype=torch.float64).requires_grad_()

    def function(x: Tensor) -> Tensor:
        return lrelu_clamp(x * 1.5, slope, clamp, inplace=True).square()

    assert gradcheck(function, x)
    assert gradgradcheck(function, x)


def test_only_the_output_is_kept() -> None:
    kept: list[Tensor] = []
    x = torch.randn(4, 4, requires_grad=True) * 1
    with saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        y = lrelu_clamp(x, 0.2, 1.0, inplace=True)
    assert [t.data_ptr() for t in kept] == [y.data_ptr()]
    assert y.data_ptr() == x.data_ptr()


def test_a_value_at_the_bound_has_no_gradient() -> None:
    x = torch.tensor([-10.0, -1.0, 0.0, 1.0, 10.0], requires_grad=True)
    (g,) = torch.autograd.grad(lrelu_clamp(x, 0.5, 2.0).sum(), x)
    assert g.tolist() == [0.0, 0.5, 0.5, 1.0, 0.0]
    assert torch.equal(lrelu_clamp(x, 0.5, 2.0), F.leaky_relu(x, 0.5).clamp(-2, 2))
