"""States of BigGAN-PyTorch in our networks, in float64."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gancore.nn import Weighted, attach_weight_normalization
from gancore_plugins.normalization.spectral import SpectralNorm

State = dict[str, Tensor]


def with_spectral_norm(network: nn.Module) -> nn.Module:
    attach_weight_normalization(network, lambda shape: SpectralNorm(SpectralNorm.Config(eps=1e-6), shape))
    return network.double()


def fill(layer: Weighted, state: State, name: str, iterated: bool, transposed: bool = False) -> None:
    """A published layer's weight, bias and vector u in ours.

    `iterated`: the published code iterates once in evaluation, too, and forgets the result; ours takes what is stored.
    """
    weight = state[f"{name}.weight"].double()
    layer.weight.data.copy_(weight.T if transposed else weight)
    if f"{name}.bias" in state:
        layer.bias.data.copy_(state[f"{name}.bias"])
    if f"{name}.u0" not in state:
        return
    u, matrix = state[f"{name}.u0"][0].double(), weight.flatten(1)
    v = F.normalize(matrix.T @ u, dim=0)
    u = F.normalize(matrix @ v, dim=0) if iterated else u
    norm = layer.weight_normalization
    for buffer, value in zip((norm.v, norm.u) if transposed else (norm.u, norm.v), (u, v), strict=True):
        buffer.copy_(value)


def fill_attention(attention: nn.Module, state: State, name: str, iterated: bool) -> None:
    for layer in ("theta", "phi", "g", "o"):
        fill(attention.get_submodule(layer), state, f"{name}.{layer}", iterated)
    attention.gamma.data.copy_(state[f"{name}.gamma"])


@torch.no_grad()
def fill_block(block: nn.Module, state: State, name: str, iterated: bool) -> None:
    layers = {"skip": "conv_sc", **{f"conv{i}": f"conv{i + 1}" for i in range(4)}}
    for ours, theirs in layers.items():
        if f"{name}.{theirs}.weight" in state:
            fill(block.get_submodule(ours), state, f"{name}.{theirs}", iterated)
    for ours, theirs in ((f"act{i}", f"bn{i + 1}") for i in range(4)):
        if f"{name}.{theirs}.gain.weight" in state:
            normalization = block.get_submodule(ours).normalization
            fill(normalization.affine.gain, state, f"{name}.{theirs}.gain", iterated)
            fill(normalization.affine.shift, state, f"{name}.{theirs}.bias", iterated)
            fill_moments(normalization.moments, state, f"{name}.{theirs}.bn")


def fill_moments(moments: nn.Module, state: State, name: str) -> None:
    moments.running_mean.copy_(state[f"{name}.stored_mean"])
    moments.running_var.copy_(state[f"{name}.stored_var"])
