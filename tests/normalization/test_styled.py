"""Statistic and style in one function: the values and derivatives of the plain formulas, exact to the second order."""

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck

from gancore.contracts import Normalization, Site
from gancore.nn.kernels import styled_statistic as kernel
from gancore.nn.kernels.styled_statistic import Instance, Pixel, styled_statistic
from gancore.nn.options import StyleOptions
from gancore.nn.style import StyledLayer
from gancore_plugins.normalization.adain import AdaIN
from gancore_plugins.normalization.instance import InstanceNorm
from gancore_plugins.normalization.pin import PIN
from gancore_plugins.normalization.pixel import PixelNorm


@pytest.fixture(params=["term by term", "combined"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """That of a CPU, and that of a GPU."""
    monkeypatch.setattr(kernel, "combining_pays", lambda x: request.param == "combined")


SITE = Site("b8.conv0", 8, 0, 1, 4, 4, "generator", True)
FUSED = [AdaIN, InstanceNorm, PIN, PixelNorm]


@pytest.fixture
def inputs() -> list[Tensor]:
    """x, scale and shift."""
    torch.manual_seed(0)
    shapes = [(3, 4, 3, 5), (3, 4), (3, 4)]
    return [(2 * torch.randn(shape, dtype=torch.float64) + 1).requires_grad_() for shape in shapes]


def made(cls: type[Normalization]) -> Normalization:
    normalization = cls(cls.Config(), SITE).double()
    for parameter in normalization.parameters():
        torch.nn.init.uniform_(parameter)
    return normalization


@pytest.mark.parametrize("cls", FUSED)
def test_the_fused_form_has_the_values_and_gradients_of_the_contract(cls: type[Normalization], inputs: list) -> None:
    normalization, weight = made(cls), torch.randn(3, 4, 3, 5, dtype=torch.float64)
    assert cls.styled is not Normalization.styled
    found = []
    for styled in (normalization.styled, lambda *args: Normalization.styled(normalization, *args)):
        y = styled(*inputs)
        leaves = [*inputs, *normalization.parameters()]
        first = torch.autograd.grad((y * weight).sum(), leaves, create_graph=True)
        second = torch.autograd.grad(sum(g.square().sum() for g in first), leaves, materialize_grads=True)
        found.append([y, *first, *second])
    for fused, plain in zip(*found, strict=True):
        torch.testing.assert_close(fused, plain, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("statistics", "layout"),
    [
        ([Instance(1e-2)], torch.channels_last),
        ([Pixel(1e-2)], torch.contiguous_format),
        ([Instance(1e-3), Pixel(1e-2)], torch.channels_last),
    ],
)
def test_derivatives_against_differences(statistics: list, layout: torch.memory_format, inputs: list) -> None:
    x, scale, shift = (value.detach()[:2, :3].requires_grad_() for value in inputs)
    x = x.detach().contiguous(memory_format=layout).requires_grad_()
    scales = [scale, scale.detach().flip(0).requires_grad_()][: len(statistics)]

    def function(x: Tensor, shift: Tensor, *scales: Tensor) -> Tensor:
        return styled_statistic(x, statistics, scales, shift)

    assert gradcheck(function, (x, shift, *scales))
    assert gradgradcheck(function, (x, shift, *scales))


def test_a_far_mean_costs_no_digits_that_x_still_has() -> None:
    """The statistic of 1000 + x in float32 is that of the rounded numbers in float64."""
    x = 1000 + torch.randn(2, 4, 16, 16)
    one, zero = torch.ones(2, 4), torch.zeros(2, 4)
    exact = styled_statistic(x.double(), [Instance(1e-8)], [one.double()], zero.double())
    found = styled_statistic(x, [Instance(1e-8)], [one], zero)
    torch.testing.assert_close(found.double(), exact, rtol=0, atol=5e-4)  # the mean has 7 digits


def test_low_precision_is_measured_in_float32() -> None:
    x, scale, shift = 300 * torch.randn(2, 4, 8, 8), torch.randn(2, 4), torch.randn(2, 4)
    for cls in FUSED:
        normalization = cls(cls.Config(), SITE)
        low = normalization.styled(x.half(), scale, shift)
        assert low.dtype == torch.float16
        torch.testing.assert_close(low.float(), normalization.styled(x, scale, shift), rtol=1e-2, atol=1e-2)


class Nothing(AdaIN):
    """Written for the contract alone: a statistic, and no word of a style."""

    def statistic(self, y: Tensor, parts: int = 1) -> Tensor:
        return y


class Renamed(AdaIN):
    pass


class OwnForm(Normalization):
    """A statistic and a fused form of its own."""

    def statistic(self, y: Tensor, parts: int = 1) -> Tensor:
        return 2 * y

    def styled(self, y: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        return (2 * y * scale[:, :, None, None]).add_(shift[:, :, None, None])


class Tripled(OwnForm):
    def statistic(self, y: Tensor, parts: int = 1) -> Tensor:
        return 3 * y


@pytest.mark.parametrize(
    ("cls", "statistic", "fused"),
    [(Nothing, 1.0, False), (Tripled, 3.0, False), (OwnForm, 2.0, True), (Renamed, None, True), (PIN, None, True)],
)
def test_a_subclass_that_changes_the_statistic_is_taken_at_its_word(
    cls: type[Normalization], statistic: float | None, fused: bool, inputs: list
) -> None:
    layer = StyledLayer(SITE, made(cls), 6, 0, StyleOptions(noise="none")).double()
    assert layer.fused == fused
    x, scale, shift = inputs
    y = x * statistic if statistic else layer.normalization.statistic(x)
    expected = y * scale[:, :, None, None] + shift[:, :, None, None]
    torch.testing.assert_close(layer.styled(x, scale, shift), expected)
