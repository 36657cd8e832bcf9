"""Golden p01: PGGAN's generator and discriminator, fully grown and while a resolution fades in, with gradients.

The generator of the port normalizes z alone, and then z with its label once more; the published code does only the
latter, and so do we. `official_order` is the port made to follow it.
"""

import pytest
import torch
from support.golden_cases import Case, cases, close
from support.published_growing import Watched, at_full_size, load, pggan_generator, stage_of
from torch import Tensor

from gancore.contracts import Generator
from gancore.nn.mapping import normalize_2nd_moment
from gancore_plugins.normalization.pixel import PixelNorm

GENERATORS, DISCRIMINATORS = cases("p01_*generator_*"), cases("p01_*discriminator_*")
DTYPES = {"image": torch.float32, "image64": torch.float64}


def generator(case: Case, dtype: torch.dtype, watched: Watched | None = None) -> Generator:
    kwargs = case.sidecar["constructor"]["kwargs"]
    loaded: Generator = load(pggan_generator(kwargs, watched or Watched(PixelNorm)), case, dtype)
    return loaded


def image(G: Generator, z: Tensor, label: Tensor | None, lod: float) -> Tensor:
    stage = stage_of(lod, G.resolution)
    return at_full_size(G.synthesis(G.mapping(z, label), stage=stage)[-1], G.resolution)


def inputs(case: Case, dtype: torch.dtype) -> tuple[Tensor, Tensor | None]:
    label = case.tensors.get("label")
    return case.tensors["z"].to(dtype), None if label is None else label.to(dtype)


@pytest.mark.parametrize("case", GENERATORS, ids=str)
def test_images(case: Case) -> None:
    tensors = case.tensors
    for name, dtype in DTYPES.items():
        G, (z, label) = generator(case, dtype), inputs(case, dtype)
        for lod in case.sidecar["lods"]:
            got = image(G, normalize_2nd_moment(z), label, lod)
            close(got, tensors[f"lod{lod}.{name}"], tensors[f"lod{lod}.image64"], rtol64=1e-7)


@pytest.mark.parametrize("case", GENERATORS, ids=str)
def test_gradients(case: Case) -> None:
    G, (z, label) = generator(case, torch.float64), inputs(case, torch.float64)
    for lod in case.sidecar["lods"]:
        if (want := case.tensors.get(f"lod{lod}.grad64_z")) is not None:
            z.requires_grad_()
            seen = image(G, normalize_2nd_moment(z), label, lod) * case.tensors["proj"]
            close(torch.autograd.grad(seen.sum(), z)[0], want, rtol64=1e-7)


@pytest.mark.parametrize("case", GENERATORS, ids=str)
def test_activations_before_they_are_normalized(case: Case) -> None:
    watched = Watched(PixelNorm)
    G, (z, label) = generator(case, torch.float32, watched), inputs(case, torch.float32)
    image(G, normalize_2nd_moment(z), label, 0)
    for i, got in enumerate(watched.seen.values()):
        if (want := case.tensors.get(f"act.layer{i}")) is not None:
            close(got[:1], want, difference=case.sidecar["max_abs_diff"]["lod0"]["f32_vs_f64"])


@pytest.mark.parametrize("case", [case for case in GENERATORS if "official_order.image64" in case.tensors], ids=str)
def test_order_of_the_published_code(case: Case) -> None:
    G, (z, label) = generator(case, torch.float64), inputs(case, torch.float64)
    close(image(G, z, label, 0), case.tensors["official_order.image64"], rtol64=1e-7)
