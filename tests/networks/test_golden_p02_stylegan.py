"""Golden p02: StyleGAN's generator: mapping, every AdaIN before and after, noise, truncation, mixing, growing."""

import pytest
import torch
from support.golden_cases import Case, cases, close
from support.published_growing import Watched, at_full_size, load, stage_of, stylegan_generator
from torch import Tensor

from gancore.contracts import Generator
from gancore_plugins.normalization.adain import AdaIN

CASES = cases("p02_*generator_*")
DTYPES = {"": torch.float32, "64": torch.float64}


def generator(case: Case, dtype: torch.dtype, watched: Watched | None = None) -> Generator:
    kwargs = case.sidecar["constructor"]["kwargs"]
    loaded: Generator = load(stylegan_generator(kwargs, watched or Watched(AdaIN)), case, dtype)
    return loaded


def mapped(G: Generator, case: Case, dtype: torch.dtype, name: str = "z", **options: float) -> Tensor:
    label = case.tensors.get("label")
    ws: Tensor = G.mapping(case.tensors[name].to(dtype), None if label is None else label.to(dtype), **options)
    return ws


def image(G: Generator, ws: Tensor, lod: float = 0, noise_mode: str = "const") -> Tensor:
    return at_full_size(G.synthesis(ws, noise_mode, stage_of(lod, G.resolution))[-1], G.resolution)


def rounding(case: Case, lod: float = 0) -> float:
    difference: float = case.sidecar["max_abs_diff"][f"lod{lod}"]["f32_vs_f64"]
    return difference


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("bits", DTYPES)
def test_mapping_and_images(case: Case, bits: str) -> None:
    tensors, G = case.tensors, generator(case, DTYPES[bits])
    ws = mapped(G, case, DTYPES[bits])
    assert G.num_ws == case.sidecar["num_layers"]
    close(ws[:, 0], tensors[f"w{bits}"], tensors["w64"], rtol64=1e-7)
    for lod in case.sidecar["lods"]:
        want, want64 = tensors[f"lod{lod}.image{bits}"], tensors[f"lod{lod}.image64"]
        close(image(G, ws, lod), want, want64, rtol64=1e-7)


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("bits", DTYPES)
def test_gradients(case: Case, bits: str) -> None:
    tensors, G = case.tensors, generator(case, DTYPES[bits])
    ws = mapped(G, case, DTYPES[bits]).detach().requires_grad_()
    (grad,) = torch.autograd.grad((image(G, ws) * tensors["proj"]).sum(), ws)
    close(grad, tensors[f"grad{bits}_wp"], tensors["grad64_wp"], rtol64=1e-7)


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("bits", DTYPES)
def test_every_adain(case: Case, bits: str) -> None:
    """Activations before and after, and the style between; the port adds its scale to 1."""
    watched = Watched(AdaIN)
    G = generator(case, DTYPES[bits], watched)
    styles, after = {}, {}
    hooks = []
    for name in [site for site in (n for n, m in G.synthesis.named_modules() if hasattr(m, "normalization"))]:
        layer = G.synthesis.get_submodule(name)
        hooks.append(layer.affine.register_forward_hook(lambda _m, _i, out, at=name: styles.__setitem__(at, out)))
        hooks.append(layer.register_forward_hook(lambda _m, _i, out, at=name: after.__setitem__(at, out)))
    image(G, mapped(G, case, DTYPES[bits]))
    assert len(watched.seen) == case.sidecar["num_layers"]
    for i, (name, before) in enumerate(watched.seen.items()):
        scale, shift = styles[name].chunk(2, dim=1)
        seen = {"pre": before, "post": after[name], "style": torch.cat([scale - 1, shift], dim=1)}
        for what, got in seen.items():
            if (want := case.tensors.get(f"act{bits}.layer{i}.{what}")) is not None:
                close(got[:1], want, rtol64=1e-7, difference=rounding(case))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_truncation(case: Case) -> None:
    G = generator(case, torch.float32)
    for cut in case.sidecar["truncation"]:
        ws = mapped(G, case, torch.float32, truncation_psi=cut["psi"], truncation_cutoff=cut["layers"])
        close(ws, case.tensors[f"{cut['name']}.wp"], difference=case.sidecar["max_abs_diff"]["w"]["f32_vs_f64"])
        close(image(G, ws), case.tensors[f"{cut['name']}.image"], difference=rounding(case))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_style_mixing_and_no_noise(case: Case) -> None:
    G = generator(case, torch.float32)
    ws, other = mapped(G, case, torch.float32), mapped(G, case, torch.float32, "z2")
    close(other[:, 0], case.tensors["w_z2"], difference=case.sidecar["max_abs_diff"]["w"]["f32_vs_f64"])
    for mix in case.sidecar["style_mixing"]:
        both = torch.cat([ws[:, : mix["cutoff"]], other[:, mix["cutoff"] :]], dim=1)
        close(image(G, both, mix["lod"]), case.tensors[f"{mix['name']}.image"], difference=rounding(case, mix["lod"]))
    close(image(G, ws, noise_mode="none"), case.tensors["noise_none.image"], difference=rounding(case))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_w_avg(case: Case) -> None:
    G = generator(case, torch.float32)
    mapped(G, case, torch.float32, update_emas=True)
    G.mapping.end_step(lambda values: values)  # type: ignore[operator]
    close(G.mapping.w_avg, case.tensors["w_avg_after"])  # type: ignore[arg-type]
