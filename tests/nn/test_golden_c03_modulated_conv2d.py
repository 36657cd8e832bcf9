"""Golden c03: modulated convolution, as scales before and after a convolution with demodulation between."""

import math

import pytest
import torch
from support.golden_cases import Case, cases, close
from torch import Tensor

from gancore.contracts import Normalization, PluginConfig, Site
from gancore.nn.kernels.resampled_conv import same_conv2d, upsampling_conv2d
from gancore.nn.normalized import scaled, scaled_input
from gancore_plugins.normalization.demod import Demod

EACH = [pytest.param(c, entry, id=f"{c}-{entry['name']}") for c in cases("c03_*") for entry in c.sidecar["cases"]]


class Modulation(Normalization):
    """The scale before the convolution alone."""

    def in_scale(self, s: Tensor, weight: Tensor) -> Tensor:
        return s


def published(x: Tensor, weight: Tensor, styles: Tensor, noise: Tensor | None, f: Tensor, up: int = 1,
              padding: int = 0, demodulate: bool = True, flip_weight: bool = True) -> Tensor:  # fmt: skip
    c_out, c_in, kernel, _ = weight.shape
    assert padding == kernel // 2
    site = Site("b4.conv1", 4, 0, 1, c_in, c_out, "generator", True)
    normalization = Demod(Demod.Config(), site) if demodulate else Modulation(PluginConfig(), site)
    turned = weight if flip_weight == (up == 1) else weight.flip(2, 3)  # our layers correlate, or transpose that
    if demodulate:  # our weights carry the scale of the equalized learning rate, which demodulation takes out again
        turned = turned / math.sqrt(c_in * kernel**2)
    x, turned, out_scale = scaled_input(x, turned, styles, normalization)
    y = same_conv2d(x, turned) if up == 1 else upsampling_conv2d(x, turned, f=f)
    y = scaled(y, out_scale(y))
    return y if noise is None else y + noise


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize(("case", "entry"), EACH)
def test_modulated_conv2d(case: Case, entry: dict, dtype: torch.dtype) -> None:
    tensors, results = case.tensors, case.under(f"{entry['name']}.")
    names = ("x", entry["weight"], "styles")
    x, weight, styles = inputs = [tensors[name].to(dtype).requires_grad_() for name in names]
    noise = None if entry["noise"] is None else tensors[entry["noise"]].to(dtype)
    out = published(x, weight, styles, noise, tensors["resample_filter"].to(dtype), **entry["kwargs"])
    wide = dtype == torch.float64
    close(out, results["out64" if wide else "out"], results["out64"])
    if "proj" not in results:
        return
    grads = torch.autograd.grad((out * results["proj"].to(dtype)).sum(), inputs)
    for name, grad in zip(("x", "weight", "styles"), grads, strict=True):
        close(grad, results[f"grad{'64' if wide else ''}_{name}"], results[f"grad64_{name}"])
