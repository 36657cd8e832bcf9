"""Golden p03: MSG-GAN's generator at all scales, its discriminator on all scales, and gradients of every scale."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from support.golden_cases import Case, cases, close
from torch import Tensor, nn

from gancore.contracts import Interface, PluginConfig, Site
from gancore_plugins.discriminators.msg import MSG as Discriminator
from gancore_plugins.generators.msg import MSG as Generator
from gancore_plugins.normalization.none import NoNormalization
from gancore_plugins.normalization.pixel import PixelNorm

CASES = cases("p03_*")
DTYPES = {torch.float32: "", torch.float64: "64_"}


def arguments(case: Case, network: str) -> dict[str, Any]:
    """What the network was made with. Maps are `size` up to 32x32 and halved with every doubling above."""
    given = dict(case.sidecar["constructor"][network])
    size = given.pop("latent_size" if network == "Generator" else "feature_size")
    found = {"resolution": 4 << (given.pop("depth") - 1), "size": size, "equalized": given.pop("use_eql")}
    assert not given.pop("dilation", 0)
    assert not given, f"unknown arguments {given}"
    return found | {"channels": {"base": 32 * size, "max": size}}


def generator(case: Case, dtype: torch.dtype) -> Generator:
    made = arguments(case, "Generator")
    cfg = Generator.Config(
        z_dim=made["size"], normalize_z=False, equalized=made["equalized"], channels=made["channels"]
    )
    channels = case.tensors["image0"].shape[1]
    G = Generator(cfg, Interface(made["resolution"], channels), lambda s: PixelNorm(PixelNorm.Config(), s))
    return load(G, case, "G.", dtype)


def discriminator(case: Case, dtype: torch.dtype) -> Discriminator:
    made = arguments(case, "Discriminator")
    cfg = Discriminator.Config(equalized=made["equalized"], channels=made["channels"])

    def none(site: Site) -> NoNormalization:
        return NoNormalization(PluginConfig(), site)

    return load(
        Discriminator(cfg, Interface(made["resolution"], case.tensors["img0"].shape[1]), none), case, "D.", dtype
    )


def load(network: Any, case: Case, prefix: str, dtype: torch.dtype) -> Any:
    state = dict(renamed(case.under(prefix), network.synthesis if prefix == "G." else network))
    (network.synthesis if prefix == "G." else network).load_state_dict(state)
    return network.to(dtype)


def renamed(state: dict[str, Tensor], network: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Published state by our names: `layers.0` is 4x4 in the generator, and 8x8 in the discriminator."""
    lowest = 8 if "final_converter.weight" in state else 4
    own = {name: parameter.shape for name, parameter in network.named_parameters()}
    ends = {"final_converter": "b4.fromrgb", "conv_1": "b4.conv", "conv_2": "b4.fc", "conv_3": "b4.out"}
    for name, value in state.items():
        *path, kind = name.split(".")
        if path[0] == "final_block":
            ours = f"{ends[path[1]]}.{kind}"
        elif path[0] == "final_converter":
            ours = f"{ends[path[0]]}.{kind}"
        else:
            layer = {"rgb_converters": "torgb", "rgb_to_features": "fromrgb"}.get(
                path[0]
            ) or f"conv{int(path[2][-1]) - 1}"
            ours = f"b{lowest << int(path[1])}.{layer}.{kind}"
        if lowest == 4 and ours == "b4.conv0.weight":  # transposed: [in, out, 4, 4]
            ours, value = "b4.conv0.linear.weight", value.permute(1, 2, 3, 0)
        yield ours, value.reshape(own[ours])


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_generator_at_all_scales(case: Case, dtype: torch.dtype) -> None:
    G = generator(case, dtype)
    images = G.synthesis(G.mapping(case.tensors["z"].to(dtype)))
    assert len(images) == len(case.under("image64_"))
    for i, image in enumerate(images):
        close(image, case.tensors[f"image{DTYPES[dtype]}{i}"], case.tensors[f"image64_{i}"], rtol64=1e-7)


WITH_DISCRIMINATOR = [case for case in CASES if "Discriminator" in case.sidecar["constructor"]]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("case", WITH_DISCRIMINATOR, ids=str)
def test_discriminator_on_all_scales(case: Case, dtype: torch.dtype) -> None:
    D, tensors = discriminator(case, dtype), case.tensors
    scales = range(len(D.resolutions))
    for n in map(int, case.under("logits64_n")):
        (logits,) = D(tuple(tensors[f"img{i}"][:n].to(dtype) for i in scales))
        close(
            logits,
            tensors[f"logits{DTYPES[dtype]}n{n}" if DTYPES[dtype] else f"logits_n{n}"],
            tensors[f"logits64_n{n}"],
            rtol64=1e-7,
        )
    if dtype == torch.float32:
        (logits,) = D(tuple(tensors[f"image{i}"] for i in scales))
        own = max(value for name, value in case.sidecar["max_abs_diff"].items() if name.startswith("image"))
        close(logits, tensors["logits_fake"], difference=own)


@pytest.mark.parametrize("case", WITH_DISCRIMINATOR, ids=str)
def test_gradients_of_every_scale(case: Case) -> None:
    D, stored = discriminator(case, torch.float64), case.under("grad64_img")
    images = tuple(case.tensors[f"img{i}"].double().requires_grad_() for i in range(len(D.resolutions)))
    (logits,) = D(images)
    gradients = torch.autograd.grad(logits.sum(), images)
    for i, want in stored.items():
        close(gradients[int(i)], want, rtol64=1e-7)
