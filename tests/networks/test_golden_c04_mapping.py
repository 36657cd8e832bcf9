"""Golden c04: the mapping network, truncation, and the moving average of w."""

import pytest
import torch
from support.golden_cases import Case, cases, close
from support.published import given, load, mapping_network

EACH = [pytest.param(c, entry, id=f"{c}-{entry['name']}") for c in cases("c04_*") for entry in c.sidecar["cases"]]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize(("case", "entry"), EACH)
def test_mapping(case: Case, entry: dict, dtype: torch.dtype) -> None:
    mapping = load(mapping_network(case.sidecar["constructor"]["kwargs"]), case, "state.", dtype)
    got = mapping(given(case, "z", dtype), given(case, "c", dtype), **entry["kwargs"])
    wide = "64" if dtype == torch.float64 else ""
    close(got, case.tensors[f"{entry['name']}.ws{wide}"], case.tensors[f"{entry['name']}.ws64"], rtol64=1e-7)


@pytest.mark.parametrize("case", [c for c in cases("c04_*") if "soft.ws" in c.tensors], ids=str)
def test_labels_need_not_be_one_hot(case: Case) -> None:
    mapping = load(mapping_network(case.sidecar["constructor"]["kwargs"]), case, "state.", torch.float32)
    own = case.sidecar["cases"][0]["max_abs_diff"]["f32_vs_f64"]
    close(mapping(case.tensors["z"], case.tensors["c_soft"]), case.tensors["soft.ws"], difference=own)


@pytest.mark.parametrize("name", ["ema", "ema_beta0.995"])
@pytest.mark.parametrize("case", cases("c04_*"), ids=str)
def test_w_avg_moves_once_a_step(case: Case, name: str) -> None:
    kwargs = dict(case.sidecar["constructor"]["kwargs"])
    if name == "ema_beta0.995":
        kwargs["w_avg_beta"] = 0.995
    mapping = load(mapping_network(kwargs), case, "state.", torch.float32)
    mapping(case.tensors["z"], case.tensors.get("c"), update_emas=True)
    assert torch.equal(mapping.w_avg, case.tensors["state.w_avg"])
    mapping.end_step(lambda values: values)
    close(mapping.w_avg, case.tensors[f"{name}.w_avg_after"])
