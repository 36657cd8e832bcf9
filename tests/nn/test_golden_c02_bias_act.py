"""Golden c02: bias, activation, gain, clamp."""

import math

import pytest
import torch
from support.golden_cases import Case, cases, close
from torch import Tensor

from gancore.nn.activation import bias_act

EACH = [pytest.param(c, entry, id=f"{c}-{entry['name']}") for c in cases("c02_*") for entry in c.sidecar["cases"]]
SLOPES = {"lrelu": 0.2, "relu": 0.0, "linear": 1.0}


def published(x: Tensor, bias: Tensor | None, act: str, alpha: float | None = None, gain: float | None = None,
              clamp: float | None = None, dim: int = 1) -> Tensor:  # fmt: skip
    default_gain = 1.0 if act == "linear" else math.sqrt(2)
    slope = alpha if act == "lrelu" and alpha is not None else SLOPES[act]
    return bias_act(x, bias, dim, slope, default_gain if gain is None else gain, clamp)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize(("case", "entry"), EACH)
def test_bias_act(case: Case, entry: dict, dtype: torch.dtype) -> None:
    results = case.under(f"{entry['name']}.")
    x = case.tensors[entry["x"]].to(dtype).requires_grad_()
    bias = None if entry["b"] is None else case.tensors[entry["b"]].to(dtype).requires_grad_()
    out = published(x, bias, **entry["kwargs"])
    if dtype == torch.float64:
        close(out, results["out64"])
        return
    close(out, results["out"], results["out64"])
    inputs = [t for t in (x, bias) if t is not None]
    grads = torch.autograd.grad((out * case.tensors[f"proj{x.ndim}"]).sum(), inputs)
    for name, grad in zip(("grad_x", "grad_b"), grads, strict=False):
        close(grad, results[name], difference=entry["max_abs_diff"]["f32_vs_f64"])
