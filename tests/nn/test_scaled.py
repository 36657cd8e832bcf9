"""Scaled maps whose scales have gradients by matrix products: the values and derivatives of a multiplication."""

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck

from gancore.nn.gradients import no_weight_gradients
from gancore.nn.kernels import resample, scaled
from gancore.nn.kernels.scaled import dots, scaled_maps


@pytest.fixture
def products(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in half precision on a GPU."""
    monkeypatch.setattr(scaled, "dots_pay", lambda x: True)


def inputs(strengths: int) -> list[Tensor]:
    """x, scale, shift, and the strength of noise."""
    torch.manual_seed(0)
    x = torch.randn(2, 3, 2, 4, dtype=torch.float64).contiguous(memory_format=torch.channels_last)
    others = [torch.randn(*shape, dtype=torch.float64) for shape in ((2, 3, 1, 1), (1, 3, 1, 1), (strengths, 1, 1))]
    return [t.requires_grad_() for t in (x, *others)]


@pytest.mark.usefixtures("products")
@pytest.mark.parametrize("images", [1, 2])
@pytest.mark.parametrize("strengths", [1, 3])
def test_derivatives_against_differences(images: int, strengths: int) -> None:
    image = torch.randn(images, 1, 2, 4, dtype=torch.float64)

    def whole(x: Tensor, scale: Tensor, shift: Tensor, strength: Tensor) -> Tensor:
        return scaled_maps(x, scale, shift, (image, strength)).sin()

    def alone(x: Tensor, scale: Tensor) -> Tensor:
        return scaled_maps(x, scale).sin()

    given = inputs(strengths)
    for function, leaves in ((whole, given), (alone, given[:2])):
        assert gradcheck(function, leaves)
        assert gradgradcheck(function, leaves)
    assert gradcheck(lambda x, s: scaled_maps(x, s, None, (image, given[3].detach())), given[:2])


def test_values_are_those_of_a_multiplication(monkeypatch: pytest.MonkeyPatch) -> None:
    given, image = inputs(1), torch.randn(2, 1, 2, 4, dtype=torch.float64)
    found = []
    for pays in (True, False):
        monkeypatch.setattr(scaled, "dots_pay", lambda x, pays=pays: pays)
        y = scaled_maps(*given[:3], (image, given[3]))
        found.append([y, *torch.autograd.grad(y.square().sum(), given)])
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.usefixtures("products")
def test_weights_have_no_gradient_where_none_is_wanted() -> None:
    given = inputs(1)
    y = scaled_maps(*given[:3], (torch.randn(1, 1, 2, 4, dtype=torch.float64), given[3]))
    with no_weight_gradients():
        grads = torch.autograd.grad(y.sum(), given, allow_unused=True)
    assert [g is not None for g in grads] == [True, True, False, False]


def test_it_is_for_half_precision_on_a_gpu() -> None:
    for device, dtype, pays in (
        ("meta", torch.float16, True),
        ("meta", torch.float32, False),
        ("cpu", torch.bfloat16, False),
    ):
        assert scaled.dots_pay(torch.empty(1, 2, 3, 3, device=device, dtype=dtype)) is pays
    a, b = torch.randn(2, 2, 3, 4, 5).unbind()
    torch.testing.assert_close(dots(a, b)[..., 0, 0], (a * b).sum((2, 3)))


# -- short filters in half precision --------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_short_filter_in_half_is_near_float32(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within the rounding of the result: its taps are exact."""
    x, f = torch.randn(2, 3, 12, 12).to(dtype), resample.setup_filter([1, 3, 3, 1])
    for how in (resample.upsample2d, resample.downsample2d, resample.filter2d):
        wide = how(x.float(), f)
        monkeypatch.setattr(resample, "narrow_pays", lambda x, kernel: True)
        narrow = how(x, f)
        assert narrow.dtype == dtype
        assert (narrow.float() - wide).abs().max() < 2 * torch.finfo(dtype).eps * wide.abs().max()


def test_which_filters_are_short() -> None:
    taps = {n: torch.ones(n, n) for n in (1, 2, 3, 4, 12)}
    on_meta = torch.empty(1, 1, 4, 4, device="meta", dtype=torch.float16)
    assert [n for n, f in taps.items() if resample.narrow_pays(on_meta, f)] == [1, 2, 3, 4]
    assert not resample.narrow_pays(torch.empty(1, 1, 4, 4, dtype=torch.float16), taps[4])
