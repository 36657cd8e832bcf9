"""Normalizations against closed forms: what they must equal, bound, or leave unchanged."""

import math

import pytest
import torch
from torch import Tensor
from torch.autograd import gradgradcheck

from gancore.contracts import Context, Interface, Normalization, Site
from gancore_plugins.normalization.adain_std import AdaINStd
from gancore_plugins.normalization.batch import BatchNorm
from gancore_plugins.normalization.bin import BIN
from gancore_plugins.normalization.conditional_batch import ConditionalBatchNorm
from gancore_plugins.normalization.demod import Demod
from gancore_plugins.normalization.instance import InstanceNorm
from gancore_plugins.normalization.pin import PIN
from gancore_plugins.normalization.pixel import PixelNorm
from gancore_plugins.normalization.spectral import SpectralNorm


def made(cls: type[Normalization], channels: int, index: int = 0, total: int = 1, **options: object):
    site = Site("b8.conv0", 8, index, total, channels, channels, "generator", True)
    return cls(cls.Config(**options), site)


@pytest.fixture
def y() -> Tensor:
    return torch.randn(4, 6, 8, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 3 + 1


# --- PIN (arXiv:2103.01090) ----------------------------------------------------------------------------------------


def test_pin_is_pixel_norm_at_rho_1_and_instance_norm_at_rho_0(y: Tensor) -> None:
    for rho, limit in ((1, PixelNorm), (0, InstanceNorm)):
        pin = made(PIN, 6, rho=rho).double()
        torch.testing.assert_close(pin.statistic(y), made(limit, 6).statistic(y), rtol=1e-12, atol=1e-12)


def test_pin_in_ten_lines_of_float64(y: Tensor) -> None:
    rho = torch.linspace(0, 1, 6, dtype=torch.float64)
    pin = made(PIN, 6).double()
    pin.share.rho.data.copy_(rho)
    expected = torch.empty_like(y)
    for n in range(4):
        for c in range(6):
            pixel = y[n, c] / (y[n].square().sum(0) / 6 + 1e-8).sqrt()
            centred = y[n, c] - y[n, c].mean()
            instance = centred / (centred.square().mean() + 1e-8).sqrt()
            expected[n, c] = rho[c] * pixel + (1 - rho[c]) * instance
    torch.testing.assert_close(pin.statistic(y), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("alpha", [0.04, 0.01, 0.001])
def test_the_spike_law(alpha: float) -> None:
    """A spot of share alpha becomes sqrt((1 - alpha) / alpha) high by instance norm; by pixel norm about 1."""
    size, channels = 200, 8
    y = torch.randn(1, channels, size, size, dtype=torch.float64)
    spot = torch.zeros(size * size, dtype=torch.bool)
    spot[: round(alpha * size**2)] = True
    y.flatten(2)[..., spot] = 1e4
    height = {}
    for cls in (InstanceNorm, PixelNorm):
        height[cls] = made(cls, channels).statistic(y).flatten(2)[..., spot].mean().item()
    assert height[InstanceNorm] == pytest.approx(math.sqrt((1 - alpha) / alpha), rel=1e-3)
    assert height[PixelNorm] == pytest.approx(1, rel=1e-3)


def test_pixel_norm_is_bounded_where_instance_norm_is_not() -> None:
    y = torch.zeros(1, 16, 64, 64)
    y[0, 3, 10, 20] = 1e6
    assert made(PixelNorm, 16).statistic(y).abs().max() <= math.sqrt(16)
    assert made(InstanceNorm, 16).statistic(y).abs().max() > 60


def test_rho_is_set_back_after_an_update() -> None:
    pin = made(PIN, 4)
    pin.share.rho.data.copy_(torch.tensor([-1.0, 0.25, 1.0, 7.0]))
    pin.share.after_update()
    assert pin.share.rho.tolist() == [0.0, 0.25, 1.0, 1.0]
    assert pin.share.scalars()["rho"].item() == pytest.approx(0.5625)


def test_modes_of_rho() -> None:
    assert made(PIN, 4).share.value().tolist() == [1.0] * 4
    assert torch.allclose(made(PIN, 4, rho_mode="sigmoid", rho=0.3).share.value(), torch.tensor(0.3))
    fixed = made(PIN, 4, rho_mode="fixed", rho=0.25)
    assert fixed.share.value().tolist() == [0.25] * 4
    assert not list(fixed.parameters())
    depths = [made(PIN, 1, index, 5, rho_mode="depth", rho_first=0.2, rho_last=1.0) for index in range(5)]
    assert [round(pin.share.value().item(), 6) for pin in depths] == [0.2, 0.4, 0.6, 0.8, 1.0]
    with pytest.raises(ValueError, match=r"e\.g\. 0\.5"):
        PIN.Config(rho_mode="sigmoid", rho=1.0)


def test_learning_rates_of_rho() -> None:
    assert not made(PIN, 4).share.param_groups()
    (group,) = made(BIN, 4).share.param_groups()
    assert group.lr_factor == 10


# --- scales --------------------------------------------------------------------------------------------------------


def convolved(x: Tensor, weight: Tensor, s: Tensor, normalization: Normalization) -> Tensor:
    y = torch.nn.functional.conv2d(x * normalization.in_scale(s, weight)[:, :, None, None], weight, padding=1)
    return y * normalization.out_scale(y, s, weight)[:, :, None, None]


def test_demodulation_expects_unit_variance() -> None:
    """For inputs of unit variance the output has unit variance, however large styles and weights are."""
    torch.manual_seed(0)
    x, s = torch.randn(8, 64, 64, 64), 5 * torch.randn(8, 64).exp()
    y = convolved(x, 7 * torch.randn(64, 64, 3, 3), s, made(Demod, 64))[..., 1:-1, 1:-1]
    assert torch.allclose(y.std(dim=(2, 3)), torch.tensor(1.0), atol=0.12)
    assert y.std().item() == pytest.approx(1, abs=0.01)


def test_demodulation_equals_a_weight_for_every_sample() -> None:
    torch.manual_seed(0)
    x, s, weight = (torch.randn(*shape, dtype=torch.float64) for shape in ((2, 4, 8, 8), (2, 4), (4, 4, 3, 3)))
    modulated = s[:, None, :, None, None] * weight
    demodulated = modulated / (modulated.square().sum((2, 3, 4), keepdim=True) + 1e-8 / 36).sqrt()
    want = torch.cat([torch.nn.functional.conv2d(x[i : i + 1], demodulated[i], padding=1) for i in range(2)])
    torch.testing.assert_close(convolved(x, weight, s, made(Demod, 4)), want)


def test_std_only_adain_measures_the_deviation_and_keeps_the_mean(y: Tensor) -> None:
    weight = torch.randn(6, 6, 3, 3, dtype=torch.float64)
    out = convolved(y, weight, torch.rand(4, 6, dtype=torch.float64), made(AdaINStd, 6))
    assert torch.allclose(out.std(dim=(2, 3), correction=0), torch.ones(4, 6, dtype=torch.float64))
    assert out.mean(dim=(2, 3)).abs().max() > 0.1


# --- batch statistics ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", [BatchNorm, BIN])
def test_batch_statistics_are_those_of_pytorch(cls: type[Normalization], y: Tensor) -> None:
    ours, theirs = made(cls, 6).double(), torch.nn.BatchNorm2d(6).double()
    torch.testing.assert_close(ours.statistic(y), theirs(y))
    ours.eval(), theirs.eval()
    torch.testing.assert_close(ours.statistic(y), theirs(y))


@pytest.mark.parametrize("cls", [BatchNorm, BIN])
def test_parts_are_normalized_apart(cls: type[Normalization], y: Tensor) -> None:
    norm = made(cls, 6).double()
    together = norm.statistic(torch.cat([y, 100 * y + 5]), parts=2)
    torch.testing.assert_close(together, torch.cat([norm.statistic(y), norm.statistic(100 * y + 5)]))


@pytest.mark.parametrize("cls", [BatchNorm, BIN, PIN, InstanceNorm, PixelNorm])
@pytest.mark.parametrize("n", [1, 2])
def test_small_batches_and_second_derivatives(cls: type[Normalization], n: int) -> None:
    torch.manual_seed(0)
    norm = made(cls, 3, **({"rho": 0.4} if cls in (PIN, BIN) else {})).double()
    assert gradgradcheck(norm.statistic, torch.randn(n, 3, 2, 2, dtype=torch.float64, requires_grad=True))


def test_low_precision_is_measured_in_float32() -> None:
    """In float16 the square of 300 is infinite."""
    y = 300 * torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    for cls in (InstanceNorm, PixelNorm, PIN, BatchNorm, BIN):
        low = made(cls, 4).statistic(y.half())
        assert low.dtype == torch.float16
        assert torch.allclose(low.float(), made(cls, 4).statistic(y), atol=1e-2)


# --- spectral ------------------------------------------------------------------------------------------------------


def test_spectral_norm_converges_to_the_largest_singular_value() -> None:
    torch.manual_seed(0)
    weight = torch.randn(8, 4, 3, 3)
    norm = SpectralNorm(SpectralNorm.Config(), weight.shape)
    for _ in range(100):
        normalized = norm(weight)
    assert torch.linalg.matrix_norm(normalized.flatten(1), ord=2).item() == pytest.approx(1, abs=1e-4)
    before = norm.u.clone()
    norm.eval()(weight)
    assert torch.equal(norm.u, before)


def test_spectral_norm_has_second_derivatives_and_survives_repeated_use() -> None:
    torch.manual_seed(0)
    weight = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    norm = SpectralNorm(SpectralNorm.Config(), weight.shape).double()
    loss = norm(weight).sum() + norm(weight).square().sum()  # the second use moves u and v
    loss.backward()
    assert gradgradcheck(norm.eval(), weight)


# --- fitting -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", [Demod, AdaINStd])
def test_normalizations_with_a_style_refuse_a_discriminator(cls: type[Normalization]) -> None:
    problems = list(cls.problems(cls.Config(), Context(Interface(16, 3), 4, "discriminator")))
    assert problems
    assert "style" in problems[0]
    assert not list(cls.problems(cls.Config(), Context(Interface(16, 3), 4, "generator")))
    assert "generator:styles" in cls.requires


# --- conditions ----------------------------------------------------------------------------------------------------


def test_a_condition_follows_the_batch_statistic_of_each_part(y: Tensor) -> None:
    """With second derivatives; without a condition the layer is batch norm."""
    site = Site("b8.conv0", 8, 0, 1, 6, 6, "discriminator", False, 3)
    norm, c = ConditionalBatchNorm(ConditionalBatchNorm.Config(init_std=1, bias=True), site).double(), y[:, :3, 0, 0]
    norm.affine.gain.bias.data.fill_(0.5)
    statistic = torch.cat([made(BatchNorm, 6).statistic(half) for half in y.chunk(2)])
    gain, shift = 1.5 + c @ norm.affine.gain.weight.T, c @ norm.affine.shift.weight.T
    want = statistic * gain[:, :, None, None] + shift[:, :, None, None]
    torch.testing.assert_close(norm.conditioned(y, c, parts=2), want)
    small = (y[:2, :, :2, :2].clone().requires_grad_(), c[:2].clone().requires_grad_())
    assert gradgradcheck(norm.conditioned, small)
    bare = made(ConditionalBatchNorm, 6)
    assert not list(bare.parameters())
    torch.testing.assert_close(bare.statistic(y), made(BatchNorm, 6).statistic(y))
