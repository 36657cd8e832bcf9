"""Golden c05: whole generators, every layer's style, noise constant or none, truncation."""

import pytest
import torch
from support.golden_cases import Case, cases, close
from support.published import generator, given, load
from torch import Tensor

CASES = cases("c05_*")


def styles_of(G: torch.nn.Module, ws: Tensor) -> dict[str, Tensor]:
    """Images in a dictionary beside the output of every affine layer."""
    seen: dict[str, Tensor] = {}
    hooks = [
        module.register_forward_hook(lambda _m, _i, out, name=name: seen.__setitem__(name, out))
        for name, module in G.synthesis.named_modules()
        if name.endswith("affine")
    ]
    seen["image"] = G.synthesis(ws, noise_mode="const")[-1]
    for hook in hooks:
        hook.remove()
    return seen


@pytest.mark.parametrize("case", CASES, ids=str)
def test_float64(case: Case) -> None:
    G = load(generator(case.sidecar["constructor"]["kwargs"]), case, "G.", torch.float64)
    ws = G.mapping(given(case, "z", torch.float64), given(case, "c", torch.float64))
    close(ws, case.tensors["ws64"], rtol64=1e-7)
    close(G.synthesis(ws, noise_mode="const")[-1], case.tensors["image64"], rtol64=1e-7)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_float32(case: Case) -> None:
    tensors = case.tensors
    G = load(generator(case.sidecar["constructor"]["kwargs"]), case, "G.", torch.float32)
    assert G.num_ws == case.sidecar["num_ws"]
    z, c = tensors["z"], tensors.get("c")
    ws = G.mapping(z, c)
    close(ws, tensors["ws"], tensors["ws64"])
    seen = styles_of(G, ws)
    close(seen["image"], tensors["image"], tensors["image64"])
    own = case.sidecar["max_abs_diff"]["f32_vs_f64"]
    for name, want in case.under("styles.").items():
        close(seen[name], want, difference=own)
    if "image_noise_none" in tensors:
        want = tensors["image_noise_none"]
        close(G.synthesis(ws[: len(want)], noise_mode="none")[-1], want, difference=own)


@pytest.mark.parametrize("case", [c for c in CASES if "image_trunc" in c.tensors], ids=str)
def test_truncation(case: Case) -> None:
    tensors = case.tensors
    G = load(generator(case.sidecar["constructor"]["kwargs"]), case, "G.", torch.float32)
    want, own = tensors["image_trunc"], case.sidecar["max_abs_diff"]["f32_vs_f64"]
    options = {f"truncation_{name}": value for name, value in case.sidecar["truncation"].items()}
    ws = G.mapping(tensors["z"], tensors.get("c"), **options)
    close(ws[: len(tensors["ws_trunc"])], tensors["ws_trunc"], difference=own)
    n = len(want)
    label = tensors["c"][:n] if "c" in tensors else None
    close(G(tensors["z"][:n], label, noise_mode="const", **options), want, difference=own)
