"""Golden s05: conditional batch norm and power iterations of BigGAN-PyTorch, StudioGAN and torch."""

from typing import Any

import pytest
import torch
from support.golden_cases import Case, cases, close
from torch import Tensor

from gancore.contracts import Site
from gancore.nn import attach_weight_normalization
from gancore_plugins.normalization.conditional_batch import ConditionalBatchNorm
from gancore_plugins.normalization.spectral import SpectralNorm

PREFIXES = {"biggan_bn": "stored_", "biggan_mybn": "bn.stored_", "studio": "bn.running_", "studio_plain": "bn.running_"}
"""The published layers, and how the names of their moving averages begin."""

EPS = {"biggan": 1e-5, "studio": 1e-4}

ROUNDED = {"biggan_mybn": 1e-6}
"""Relative errors allowed where the published layer itself takes its statistics in float32."""

conditional = pytest.mark.parametrize("case", cases("s05_conditional*"), ids=str)


def made(case: Case, name: str, train: bool) -> ConditionalBatchNorm:
    """Our layer with the state of the published one, in float64."""
    state, k = case.under(f"{name}."), case.tensors["y"].shape[1]
    channels = case.tensors["x"].shape[1]
    cfg = ConditionalBatchNorm.Config(eps=EPS[name.partition("_")[0]])
    layer = ConditionalBatchNorm(cfg, Site("b8.act0", 8, 0, 1, channels, channels, "generator", False, k))
    layer.moments.running_mean.copy_(state[f"{PREFIXES[name]}mean"])
    layer.moments.running_var.copy_(state[f"{PREFIXES[name]}var"])
    if name != "studio_plain":
        attach_weight_normalization(layer, lambda shape: SpectralNorm(SpectralNorm.Config(eps=1e-12), shape))
    layer.double().train(train)
    for theirs, linear in (("gain", layer.affine.gain), ("bias", layer.affine.shift)):
        names = [n for n in ("weight", "weight_orig") if f"{theirs}.{n}" in state]
        linear.weight.data.copy_(state[f"{theirs}.{names[0]}"])
        if name.startswith("biggan"):
            u = state[f"{theirs}.u0"][0].double()
            if not train:  # it iterates once in evaluation, too, and forgets the result
                v = torch.nn.functional.normalize(linear.weight.data.T @ u, dim=0)
                linear.weight_normalization.v.copy_(v)
                u = torch.nn.functional.normalize(linear.weight.data @ v, dim=0)
            linear.weight_normalization.u.copy_(u)
        elif name == "studio":
            linear.weight_normalization.u.copy_(state[f"{theirs}.weight_u"])
            linear.weight_normalization.v.copy_(state[f"{theirs}.weight_v"])
    return layer


@conditional
@pytest.mark.parametrize("mode", ["train", "eval"])
@pytest.mark.parametrize("name", PREFIXES)
def test_conditional_batch_norm(case: Case, name: str, mode: str) -> None:
    layer, want = made(case, name, mode == "train"), case.under(f"{name}_{mode}.")
    inputs = {n: case.tensors[n].double().requires_grad_() for n in ("x", "y")}
    out = layer.conditioned(inputs["x"], inputs["y"])
    rtol = ROUNDED.get(name, 1e-9)
    close(out, want["out64"], rtol64=rtol)
    leaves: dict[str, Tensor] = {f"grad_{n}64": leaf for n, leaf in inputs.items()}
    kind = "weight_orig" if name == "studio" else "weight"
    leaves |= {f"grad64.gain.{kind}": layer.affine.gain.weight, f"grad64.bias.{kind}": layer.affine.shift.weight}
    grads = torch.autograd.grad((out * case.tensors["cotangent"].double()).sum(), list(leaves.values()))
    for entry, grad in zip(leaves, grads, strict=True):
        close(grad, want[entry], rtol64=rtol)
    if mode == "train":
        _buffers_are_theirs(name, layer, case.under(f"{name}_{mode}.after64."))


def _buffers_are_theirs(name: str, layer: Any, after: dict[str, Tensor]) -> None:
    """But for the running variance of `mybn`, which is the biased one; ours is PyTorch's."""
    close(layer.moments.running_mean, after[f"{PREFIXES[name]}mean"], rtol64=ROUNDED.get(name, 1e-9))
    if name != "biggan_mybn":
        close(layer.moments.running_var, after[f"{PREFIXES[name]}var"])
    for theirs, linear in (("gain", layer.affine.gain), ("bias", layer.affine.shift)):
        if name.startswith("biggan"):
            close(linear.weight_normalization.u, after[f"{theirs}.u0"][0])
        elif name == "studio":
            close(linear.weight_normalization.u, after[f"{theirs}.weight_u"])
            close(linear.weight_normalization.v, after[f"{theirs}.weight_v"])


@pytest.mark.parametrize("name", ["biggan_svs1_itrs1", "torch"])
@pytest.mark.parametrize("case", cases("s05_spectral*"), ids=str)
def test_four_power_iterations(case: Case, name: str) -> None:
    given, weight = case.under(f"{name}."), case.tensors["weight"].double()
    norm, x = SpectralNorm(SpectralNorm.Config(), weight.shape).double(), case.tensors["x"].double()
    norm.u.copy_(given["u_init"] if name == "torch" else given["u0_init"][0])
    outs = []
    for step in range(4):
        outs.append(torch.nn.functional.conv2d(x, norm(weight), padding=1))
        close(norm.u, given["u64"][step].flatten())
    want = given["out64"]
    close(torch.stack([outs[0], outs[-1]]) if want.ndim == 5 else outs[-1], want)
