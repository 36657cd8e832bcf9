"""Golden s06: FastGAN's blocks and generators, of its own code and as they are in Projected GAN."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from support.golden_cases import Case, cases, close
from torch import Tensor, nn
from torch.nn import functional as F

from gancore.contracts import Interface, Normalization, Pass, Site
from gancore.nn import Sites, attach_weight_normalization
from gancore_plugins.generators.fastgan import Builder, Excitation, FastGAN
from gancore_plugins.normalization.batch import BatchNorm
from gancore_plugins.normalization.conditional_batch import ConditionalBatchNorm
from gancore_plugins.normalization.spectral import SpectralNorm

State = dict[str, Tensor]


class Given(Pass):
    """A pass whose noise is given, in the order of use."""

    def __init__(self, noises: Iterator[Tensor]) -> None:
        super().__init__()
        object.__setattr__(self, "noises", noises)

    def noise(self, purpose: str, stored: Tensor, n: int) -> Tensor:
        return next(self.noises)  # type: ignore[attr-defined]


def conditional(site: Site) -> Normalization:
    return ConditionalBatchNorm(ConditionalBatchNorm.Config(bias=True), site)


def plain(site: Site) -> Normalization:
    return BatchNorm(BatchNorm.Config(), site)


def spectral(network: nn.Module) -> Any:
    attach_weight_normalization(network, lambda shape: SpectralNorm(SpectralNorm.Config(), shape))
    return network.double()


@torch.no_grad()
def fill(layer: Any, state: State, name: str, change: Any = lambda weight: weight) -> None:
    layer.weight.copy_(change(state[f"{name}.weight_orig"]))
    layer.weight_normalization.u.copy_(state[f"{name}.weight_u"])
    layer.weight_normalization.v.copy_(state[f"{name}.weight_v"])
    if f"{name}.bias" in state:
        layer.bias.copy_(state[f"{name}.bias"])


@torch.no_grad()
def fill_tail(tail: Any, state: State, name: str) -> None:
    normalization = tail.normalization
    if f"{name}.stored_mean" in state:
        kind, moments = "stored", normalization.moments
        fill(normalization.affine.gain, state, f"{name}.gain")
        fill(normalization.affine.shift, state, f"{name}.bias")
    else:
        kind, moments = "running", normalization.inner.moments
        normalization.gain.copy_(state[f"{name}.weight"])
        tail.bias.copy_(state[f"{name}.bias"])
    moments.running_mean.copy_(state[f"{name}.{kind}_mean"])
    moments.running_var.copy_(state[f"{name}.{kind}_var"])


LAYERS: dict[str, list[tuple[str, str | None, str]]] = {
    "1": [("1", None, "2")],
    "1,5": [("1", "2", "3"), ("5", "6", "7")],
    "conv": [("conv", None, "bn")],
    "conv1,conv2": [("conv1", "noise", "bn1"), ("conv2", "noise", "bn2")],
}
"""By the convolutions of a block: the names of convolution, noise and batch norm of its layers."""


@torch.no_grad()
def fill_block(block: Any, state: State) -> None:
    convs = [conv for conv in ("1", "5", "conv", "conv1", "conv2") if f"{conv}.weight_orig" in state]
    for layer, (conv, noise, norm) in zip(block.layers, LAYERS[",".join(convs)], strict=True):
        fill(layer.conv, state, conv)
        fill_tail(layer.tail, state, norm)
        if noise is not None:
            layer.noise_strength.copy_(state[f"{noise}.weight"][0])


def fill_first(first: Any, state: State, name: str) -> None:
    fill(first.conv, state, f"{name}.0", lambda weight: weight.transpose(0, 1))
    fill_tail(first.tail, state, f"{name}.1")


def fill_excitation(excitation: Any, state: State, name: str) -> None:
    fill(excitation.fc0, state, f"{name}.1", lambda weight: weight.flatten(1))
    fill(excitation.fc1, state, f"{name}.3", lambda weight: weight.flatten(1))


def made(case: Case, kind: str) -> Any:
    """One of our blocks with the state of a published one, and its inputs."""
    state, condition = case.under(f"{kind}.state."), case.tensors["c"].shape[1] if "cond" in kind else 0
    build = Builder(conditional if condition else plain, Sites("generator", 2, False, condition), 0.02)
    if kind == "se":
        block = spectral(Excitation(case.tensors["se.small"].shape[1], case.tensors["se.big"].shape[1], 0.02))
        fill_excitation(block, state, "main")
        return block
    if "init" in kind:
        block = spectral(build.first("b4", case.tensors["z"].shape[1], 6))
        fill_first(block, state, "init")
        return block
    block = spectral(build.block("b8", 8, 6, 4, double="comp" in kind or "big" in kind))
    fill_block(block, state)
    return block


@pytest.mark.parametrize("mode", ["train", "eval"])
@pytest.mark.parametrize("kind", ["init", "pg_init", "up", "upcomp", "se", "pg_small_cond", "pg_big_cond"])
@pytest.mark.parametrize("case", cases("s06_fastgan_blocks*"), ids=str)
def test_blocks(case: Case, kind: str, mode: str) -> None:
    block, want = made(case, kind).train(mode == "train"), case.under(f"{kind}_{mode}.")
    given = {name: case.tensors[name].double() for name in ("x", "z", "c", "se.big", "se.small")}
    how = Given(iter([want[name].double() for name in ("noise0", "noise1") if name in want]))
    if kind == "se":
        out = block(given["se.big"], given["se.small"])
    elif "init" in kind:
        out = block(given["z"][:, :, None, None], how)
    else:
        out = block(given["x"], how, given["c"] if "cond" in kind else None)
    close(out, want["out64"])


def generator(case: Case, prefix: str) -> FastGAN:
    """A whole generator, of FastGAN's code (names from the top) or of Projected GAN's (`synthesis.`)."""
    state, kwargs = case.under(f"G.state.{prefix}"), case.sidecar["constructor"]["kwargs"]
    projected = bool(prefix)
    resolution = kwargs["img_resolution" if projected else "im_size"]
    z_dim = kwargs["z_dim" if projected else "nz"]
    width = {4: 16, 8: 8, 16: 4, 32: 2, 64: 2, 128: 1, 256: 0.5}
    blocks = "single" if kwargs.get("lite") else "double" if projected else "alternating"
    labels: dict[str, Any] = {"labels": "normalization", "embed_features": z_dim} if kwargs.get("cond") else {}
    cfg = FastGAN.Config(
        z_dim=z_dim,
        channels={"each": [int(kwargs["ngf"] * factor) for factor in width.values()]},
        blocks=blocks,
        normalize_z=projected,
        **labels,
    )
    normalize = conditional if labels else plain
    G = spectral(FastGAN(cfg, Interface(resolution, 3, kwargs.get("c_dim", 0)), normalize)).eval()
    S = G.synthesis
    fill_first(S.b4, state, "init.init")
    for size in S.sizes[1:]:
        fill_block(S.get_submodule(f"b{size}"), case.under(f"G.state.{prefix}feat_{size}."))
    for name, excitation in S.excitations.items():
        fill_excitation(excitation, state, f"se_{name[1:]}.main")
    fill(S.torgb, state, "to_big")
    if labels:
        G.mapping.embedding.data.copy_(state["embed.weight"])
    return G


@pytest.mark.parametrize("case", cases("s06_fastgan_generator*"), ids=str)
def test_fastgan_without_noise(case: Case) -> None:
    """Its second image, at 128x128, is not among ours."""
    image, want = generator(case, "")(case.tensors["z"].double(), noise_mode="none"), case.under("G_eval_nonoise.")
    close(F.avg_pool2d(image, 8), want["image256_means64"])
    close(image[:, :, 100:116, 60:76], want["image256_crop64"])


@pytest.mark.parametrize("case", cases("s06_projected_fastgan_lite*"), ids=str)
def test_conditional_lite_generator_of_projected_gan(case: Case) -> None:
    G, want = generator(case, "synthesis."), case.under("G_eval.")
    image = G(case.tensors["z"].double(), case.tensors["c"].double())
    close(F.avg_pool2d(image, 4), want["image128_means64"])
    close(image[:, :, 40:56, 70:86], want["image128_crop64"])
