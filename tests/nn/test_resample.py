"""FIR resampling against its definition (insert zeros, pad, convolve, decimate), and its derivatives."""

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck
from torch.nn import functional as F

from gancore.nn.kernels.resample import downsample2d, filter2d, setup_filter, upfirdn2d, upsample2d
from gancore.nn.kernels.resampled_conv import downsampling_conv2d, same_conv2d, upsampling_conv2d


def by_definition(x: Tensor, f: Tensor, up: list[int], down: list[int], pads: list[int]) -> Tensor:
    n, c, h, w = x.shape
    wide = x.new_zeros(n, c, h * up[1], w * up[0])
    wide[:, :, :: up[1], :: up[0]] = x
    wide = F.pad(wide, pads)
    y = F.conv2d(wide, f.flip(0, 1).expand(c, 1, *f.shape), groups=c)
    return y[:, :, :: down[1], :: down[0]]


pairs = st.lists(st.integers(1, 3), min_size=2, max_size=2)


@settings(max_examples=60, deadline=None)
@given(up=pairs, down=pairs, pads=st.lists(st.integers(-1, 4), min_size=4, max_size=4),
       taps=st.tuples(st.integers(1, 5), st.integers(1, 5)))  # fmt: skip
def test_any_factors_and_pads(up: list[int], down: list[int], pads: list[int], taps: tuple[int, int]) -> None:
    torch.manual_seed(0)
    x, f = torch.randn(1, 2, 6, 7, dtype=torch.float64), torch.randn(*taps, dtype=torch.float64)
    left, right, top, bottom = pads
    assume(6 * up[1] + top + bottom >= taps[0])  # else there is no pixel of which all taps see something
    assume(7 * up[0] + left + right >= taps[1])
    want = by_definition(x, f, up, down, pads)
    got = upfirdn2d(x, f, up, down, pads)
    assert got.shape == want.shape
    assert torch.allclose(got, want)


@pytest.mark.parametrize(("up", "down"), [(1, 1), (2, 1), (1, 2), (3, 2), ([2, 1], [1, 3])])
def test_derivatives(up: int | list[int], down: int | list[int]) -> None:
    torch.manual_seed(0)
    x = torch.randn(1, 2, 5, 4, dtype=torch.float64, requires_grad=True)
    f = torch.randn(3, 4, dtype=torch.float64)

    def run(x: Tensor) -> Tensor:
        return upfirdn2d(x, f, up, down, [2, 1, 1, 0]).square()

    assert gradcheck(run, x)
    assert gradgradcheck(run, x)


def test_brightness_is_kept() -> None:
    x = torch.full((1, 1, 8, 8), 0.7)
    f = setup_filter([1, 3, 3, 1])
    for y in (filter2d(x, f), upsample2d(x, f), downsample2d(x, f)):
        assert torch.allclose(y[..., 2:-2, 2:-2], x[..., :1, :1].expand_as(y[..., 2:-2, 2:-2]))


def test_a_separable_filter_equals_its_outer_product() -> None:
    x = torch.randn(1, 2, 12, 9)
    taps = [1.0, 2, 5, 3, 7, 4, 2, 1, 0.5]
    flat, outer = setup_filter(taps), setup_filter(taps, separable=False)
    assert (flat.ndim, outer.ndim) == (1, 2)
    assert torch.allclose(upsample2d(x, flat), upsample2d(x, outer), atol=1e-5)


def test_filters_act_in_float32_under_autocast() -> None:
    x, f = torch.randn(1, 2, 8, 8), setup_filter([1, 3, 3, 1])
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(upsample2d(x, f), upsample2d(x, f).float())
        low = upsample2d(x.bfloat16(), f)
    assert low.dtype == torch.bfloat16
    assert torch.equal(low, upsample2d(x.bfloat16().float(), f).bfloat16())


@pytest.mark.parametrize("f", [None, [1, 2, 1]])
def test_box_is_nearest_up_and_average_down(f: list[float] | None) -> None:
    """PGGAN and StyleGAN: nearest upsampling, convolution, blur; and blur, convolution, 2x2 average."""
    torch.manual_seed(0)
    taps = None if f is None else setup_filter(f).double()
    x, weight = torch.randn(2, 3, 8, 8, dtype=torch.float64), torch.randn(4, 3, 3, 3, dtype=torch.float64)
    up = same_conv2d(F.interpolate(x, scale_factor=2, mode="nearest"), weight)
    up = up if taps is None else filter2d(up, taps)
    assert torch.allclose(upsampling_conv2d(x, weight, f=taps, resampling="box"), up)
    down = F.avg_pool2d(same_conv2d(x if taps is None else filter2d(x, taps), weight), 2)
    assert torch.allclose(downsampling_conv2d(x, weight, f=taps, resampling="box"), down)


@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("taps", [None, [1, 1], [1, 2, 1], [1, 3, 3, 1]])
def test_sizes_double_and_halve(kernel: int, taps: list[float] | None) -> None:
    f = None if taps is None else setup_filter(taps)
    x, weight = torch.randn(1, 2, 8, 8), torch.randn(3, 2, kernel, kernel)
    assert upsampling_conv2d(x, weight, f=f).shape == (1, 3, 16, 16)
    assert downsampling_conv2d(x, weight, f=f).shape == (1, 3, 4, 4)


def test_a_bad_filter_is_refused() -> None:
    with pytest.raises(ValueError, match="one or two dimensions"):
        setup_filter([[[1.0]]])
