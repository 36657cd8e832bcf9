"""Golden p12: batch-instance norm of the published layer; pixel, PIN, instance and AdaIN from their formulas."""

from typing import Any

import pytest
import torch
from support.golden_cases import Case, cases, close
from torch import Tensor

from gancore.contracts import Normalization, Site
from gancore_plugins.normalization.adain import AdaIN
from gancore_plugins.normalization.bin import BIN
from gancore_plugins.normalization.instance import InstanceNorm
from gancore_plugins.normalization.pin import PIN
from gancore_plugins.normalization.pixel import PixelNorm


def entries(pattern: str) -> list[Any]:
    return [pytest.param(c, e, id=f"{c}-{e['name']}") for c in cases(pattern) for e in c.sidecar["cases"]]


def made(cls: type[Normalization], channels: int, **options: Any) -> Any:
    return cls(cls.Config(**options), Site("b4.conv1", 4, 0, 1, channels, channels, "generator", True))


def maps(values: Tensor) -> Tensor:
    return values[..., None, None]


# --- batch-instance norm -------------------------------------------------------------------------------------------

NAMES = {"gate": "share.rho", "weight": "weight", "bias": "bias", "running_mean": "moments.running_mean",
         "running_var": "moments.running_var"}  # fmt: skip


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("mode", ["train", "eval"])
@pytest.mark.parametrize(("case", "entry"), entries("p12_batch_instance*"))
def test_batch_instance_norm(case: Case, entry: dict, mode: str, dtype: torch.dtype) -> None:
    tensors = case.under(f"{entry['name']}.")
    state = {NAMES[k]: v for k, v in case.under(f"{entry['name']}.state.").items()}
    layer = made(BIN, entry["c"], eps=entry["eps"], momentum=entry["mom"], affine=entry["affine"])
    layer.load_state_dict(state)
    layer.to(dtype).train(mode == "train")
    x = tensors["x"].to(dtype).requires_grad_()
    out = layer.statistic(x)

    want = case.under(f"{entry['name']}.{mode}{'64' if dtype == torch.float64 else ''}.")
    exact = case.under(f"{entry['name']}.{mode}64.")
    close(out, want["out"], exact["out"])
    for name in ("running_mean", "running_var"):
        if f"{name}_after" in want:
            close(layer.get_buffer(NAMES[name]), want[f"{name}_after"], exact[f"{name}_after"])
    inputs = {"x": x, **{k: layer.get_parameter(NAMES[k]) for k in ("gate", "weight", "bias") if f"grad_{k}" in want}}
    if "grad_x" in want:
        grads = torch.autograd.grad((out * tensors["proj"].to(dtype)).sum(), list(inputs.values()))
        for name, grad in zip(inputs, grads, strict=True):
            close(grad, want[f"grad_{name}"], exact.get(f"grad_{name}"))


# --- formulas ------------------------------------------------------------------------------------------------------


def formulas(tensors: dict[str, Tensor], eps: float) -> dict[str, tuple[Tensor, dict[str, Tensor]]]:
    """What each formula gives with our layers, and the inputs its gradients refer to."""
    wide = {k: v.double().requires_grad_() for k, v in tensors.items() if "." not in k}
    x, c = wide["x"], wide["x"].shape[1]
    pin, scalar = (made(PIN, c, eps=eps).double() for _ in range(2))
    pin.share.rho.data.copy_(wide["rho"])
    mixed = pin.statistic(x)
    scalar.share.rho = torch.nn.Parameter(wide["rho_scalar"].detach().clone())
    instance, adain = made(InstanceNorm, c, eps=eps).statistic(x), made(AdaIN, c, eps=eps).statistic(x)
    scale, shift = maps(wide["scale"]), maps(wide["shift"])
    styled = {"x": x, "scale": wide["scale"], "shift": wide["shift"]}
    rho = {"x": x, "rho": pin.share.rho}
    return {
        "pixel_norm": (made(PixelNorm, c, eps=eps).statistic(x), {"x": x}),
        "instance_norm": (instance, {"x": x}),
        "pin": (mixed, rho),
        "pin_scalar": (scalar.statistic(x), {"x": x, "rho_scalar": scalar.share.rho}),
        "pin_affine": (
            mixed * maps(wide["weight"]) + maps(wide["bias"]),
            {**rho, "weight": wide["weight"], "bias": wide["bias"]},
        ),
        "adain": (adain * scale + shift, styled),
        "adain_1p": (adain * (1 + scale) + shift, styled),
    }


@pytest.mark.parametrize(("case", "entry"), entries("p12_pin*"))
def test_formulas(case: Case, entry: dict) -> None:
    tensors = case.under(f"{entry['name']}.")
    known = formulas(tensors, entry["eps"])
    expected = {name.split(".")[0] for name in tensors if "." in name}
    assert expected <= set(known)
    for formula in sorted(expected):
        out, inputs = known[formula]
        close(out, tensors[f"{formula}.out64"])
        for name, tensor in inputs.items():
            if f"{formula}.grad64_{name}" in tensors:
                loss = (out * tensors["proj"].double()).sum()
                (grad,) = torch.autograd.grad(loss, tensor, retain_graph=True)
                close(grad, tensors[f"{formula}.grad64_{name}"])
