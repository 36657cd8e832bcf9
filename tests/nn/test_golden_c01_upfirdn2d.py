"""Golden c01: filters and FIR resampling."""

import pytest
import torch
from support.golden_cases import Case, cases, close

from gancore.nn.kernels import resample

CASES = cases("c01_*")
EACH = [pytest.param(case, entry, id=f"{case}-{entry['name']}") for case in CASES for entry in case.sidecar["cases"]]


def exact(gain: float) -> bool:
    """Whether float32 holds the gain; otherwise the published filter carries its rounding."""
    return float(torch.tensor(gain, dtype=torch.float32)) == gain


@pytest.mark.parametrize("case", CASES, ids=str)
def test_setup_filter(case: Case) -> None:
    for entry in case.sidecar["setup_filter_cases"]:
        got = resample.setup_filter(entry["f"], **entry["kwargs"])
        close(got, case.tensors[entry["result"]])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize(("case", "entry"), EACH)
def test_resampling(case: Case, entry: dict, dtype: torch.dtype) -> None:
    tensors = case.tensors
    x = tensors["x"].to(dtype).requires_grad_()
    f = None if entry["filter"] is None else tensors[entry["filter"]]
    out = getattr(resample, entry["function"])(x, f, **entry["kwargs"])
    results = case.under(f"{entry['name']}.")
    if dtype == torch.float64:
        close(out, results["out64"], rtol64=1e-9 if exact(entry["kwargs"].get("gain", 1)) else 1e-7)
        return
    close(out, results["out"], results["out64"])
    (grad,) = torch.autograd.grad((out * results["proj"]).sum(), x)
    close(grad, results["grad_x"], difference=entry["max_abs_diff"]["f32_vs_f64"])
