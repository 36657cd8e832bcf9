"""Golden c06: whole discriminators at several batch sizes."""

import pytest
import torch
from support.golden_cases import Case, cases, close
from support.published import discriminator, given, load

CASES = cases("c06_*")
EACH = [pytest.param(c, int(n[1:]), id=f"{c}-{n}") for c in CASES for n in c.sidecar["max_abs_diff"]]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize(("case", "n"), EACH)
def test_logits(case: Case, n: int, dtype: torch.dtype) -> None:
    D = load(discriminator(case.sidecar["constructor"]["kwargs"]), case, "D.", dtype)
    label = given(case, "c", dtype)
    images = given(case, "img", dtype)
    (logits,) = D((images[:n],), None if label is None else label[:n])
    wide = "64" if dtype == torch.float64 else ""
    want = case.tensors[f"logits{wide}_n{n}"][:, 0]
    own = max(difference["f32_vs_f64"] for difference in case.sidecar["max_abs_diff"].values())
    close(logits, want, rtol64=1e-7, difference=own)
