"""Modulated convolutions in float16: large styles and weights overflow no sum."""

import pytest
import torch
from support.small import load

from gancore.contracts import Site
from gancore.nn import normalized
from gancore.nn.kernels.resampled_conv import same_conv2d

SITE = Site("b8.conv1", 8, 0, 1, 64, 16, "generator", True)


def output(name: str, factor: float, dtype: torch.dtype | None) -> torch.Tensor:
    """A 3x3 layer of 64 channels with activations near the clamp of 256, its style and weight times `factor`."""
    plugin = load("normalization", name)
    torch.manual_seed(0)
    x, s, weight = 100 * torch.randn(2, 64, 8, 8), factor * torch.randn(2, 64), factor * torch.randn(16, 64, 3, 3)
    with torch.autocast("cpu", dtype or torch.bfloat16, enabled=dtype is not None):
        x, weight, out_scale = normalized.scaled_input(x, weight, s, plugin(plugin.Config(), SITE))
        y = same_conv2d(x, weight)
        scale = out_scale(y)
    assert scale is not None
    return y.float() * scale[:, :, None, None]


@pytest.mark.parametrize("factor", [1e-2, 1.0, 30.0])
@pytest.mark.parametrize("name", ["demod", "adain_std"])
def test_near_float32(name: str, factor: float) -> None:
    exact, half = output(name, factor, None), output(name, factor, torch.float16)
    assert (half - exact).norm() < 2e-3 * exact.norm()


def test_overflows_without_prenormalization(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(normalized, "in_float16", lambda x: False)
    assert not output("demod", 30.0, torch.float16).isfinite().all()
