"""Golden s05: self-attention of BigGAN-PyTorch and StudioGAN, forward and gradients, in float64."""

import pytest
import torch
from support.golden_cases import Case, cases, close
from support.published_biggan import fill_attention, with_spectral_norm
from torch.autograd import gradgradcheck

from gancore.nn import SelfAttention

STUDIO = {"theta": "conv1x1_theta", "phi": "conv1x1_phi", "g": "conv1x1_g", "o": "conv1x1_attn"}
each = pytest.mark.parametrize("case", cases("s05_self_attention*"), ids=str)


def made(case: Case, kind: str, train: bool) -> SelfAttention:
    attention = SelfAttention(case.sidecar["constructor"]["ch"])
    if kind == "plain":
        fill_attention(attention.double(), {k: v for k, v in case.tensors.items() if "u0" not in k}, "biggan", False)
        return attention
    with_spectral_norm(attention).train(train)
    if kind == "biggan":
        fill_attention(attention, case.tensors, "biggan", iterated=not train)
        return attention
    state = case.under("studio.")
    attention.gamma.data.copy_(state["sigma"][0])
    for ours, theirs in STUDIO.items():
        layer = attention.get_submodule(ours)
        layer.weight.data.copy_(state[f"{theirs}.weight_orig"])
        layer.weight_normalization.u.copy_(state[f"{theirs}.weight_u"])
        layer.weight_normalization.v.copy_(state[f"{theirs}.weight_v"])
    return attention


@each
@pytest.mark.parametrize("call", ["biggan_train", "biggan_eval", "plain", "studio_train", "studio_eval"])
def test_forward_and_gradients(case: Case, call: str) -> None:
    kind, _, mode = call.partition("_")
    attention, want = made(case, kind, mode == "train"), case.under(f"{call}.")
    x = case.tensors["x"].double().requires_grad_()
    out = attention(x)
    close(out, want["out64"])
    leaves = {"grad_x64": x}
    for ours, theirs in STUDIO.items():
        name = f"{theirs}.weight_orig" if kind == "studio" else f"{ours}.weight"
        leaves[f"grad64.{name}"] = attention.get_submodule(ours).weight
    leaves["grad64.sigma" if kind == "studio" else "grad64.gamma"] = attention.gamma
    grads = torch.autograd.grad((out * case.tensors["cotangent"].double()).sum(), list(leaves.values()))
    for name, grad in zip(leaves, grads, strict=True):
        close(grad, want[name].reshape(grad.shape))


def test_a_new_block_is_the_identity_and_has_second_derivatives() -> None:
    torch.manual_seed(0)
    attention, x = SelfAttention(3).double(), torch.randn(1, 3, 2, 2, dtype=torch.float64, requires_grad=True)
    assert torch.equal(attention(x), x)
    attention.gamma.data.fill_(0.7)
    assert gradgradcheck(attention, x)
