"""Golden p01 and p02: the discriminators of PGGAN and StyleGAN, grown and growing, with gradients and R1.

PGGAN's gives class logits beside the score: column k is what our output for class k gives.
"""

import re

import pytest
import torch
from support.golden_cases import Case, cases, close
from support.published_growing import at_stage, discriminator, load, stage_of
from torch import Tensor

from gancore.contracts import Discriminator

CASES = cases("p0[12]_*discriminator_*")
DTYPES = {"": torch.float32, "64": torch.float64}


def loaded(case: Case, dtype: torch.dtype) -> Discriminator:
    D: Discriminator = load(discriminator(case), case, dtype)
    return D


def score(D: Discriminator, images: Tensor, label: Tensor | None, lod: float) -> Tensor:
    """[n, 1], or [n, 1 + label_dim] where the published network classifies."""
    stage, classes = stage_of(lod, D.interface.resolution), D.interface.label_dim
    small = (at_stage(images, stage),)
    if label is None and classes:
        each = torch.eye(classes, dtype=images.dtype)
        return torch.stack([D(small, row.expand(len(images), -1), stage)[0] for row in each], dim=1)
    return D(small, label, stage)[0][:, None]


def inputs(case: Case, n: int, dtype: torch.dtype) -> tuple[Tensor, Tensor | None]:
    label = case.tensors.get("label")
    return case.tensors["img"][:n].to(dtype), None if label is None else label[:n].to(dtype)


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("bits", DTYPES)
def test_scores(case: Case, bits: str) -> None:
    D, compared = loaded(case, DTYPES[bits]), 0
    for name, want in case.tensors.items():
        if found := re.fullmatch(rf"lod([\d.]+)\.score{bits}_n(\d+)", name):
            lod, n = float(found[1]), int(found[2])
            want64 = case.tensors[f"lod{found[1]}.score64_n{n}"]
            close(score(D, *inputs(case, n, DTYPES[bits]), lod), want, want64, rtol64=1e-7)
            compared += 1
    assert compared >= len(case.sidecar["lods"])


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("bits", DTYPES)
def test_gradients(case: Case, bits: str) -> None:
    D = loaded(case, DTYPES[bits])
    for name, want in case.tensors.items():
        if found := re.fullmatch(rf"lod([\d.]+)\.grad{bits}_img", name):
            images, label = inputs(case, len(want), DTYPES[bits])
            images.requires_grad_()
            (grad,) = torch.autograd.grad(score(D, images, label, float(found[1]))[:, 0].sum(), images)
            close(grad, want, case.tensors[f"lod{found[1]}.grad64_img"], rtol64=1e-7)
            r1 = case.tensors.get(f"lod{found[1]}.r1_64")
            if bits and r1 is not None:
                close(grad.square().sum((1, 2, 3)), r1, rtol64=1e-7)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_activations(case: Case) -> None:
    """Of the first sample among four, at full resolution."""
    D = loaded(case, torch.float32)
    seen: dict[str, Tensor] = {}
    levels = len(D.resolutions) - 1
    layers = [f"b{r}.conv{i}" for r in D.resolutions[:-1] for i in (0, 1)] + ["b4.conv", "b4.fc"]
    names = {f"layer{i}": name for i, name in enumerate(layers)} | {"mbstd": "b4.mbstd"}
    for theirs, ours in names.items():
        D.get_submodule(ours).register_forward_hook(lambda _m, _i, out, at=theirs: seen.__setitem__(at, out))
    score(D, *inputs(case, 4, torch.float32), 0)
    assert len(seen) == 2 * levels + 3
    largest = max(difference["f32_vs_f64"] for difference in case.sidecar["max_abs_diff"].values())
    for name, want in case.under("act.").items():
        close(seen[name][:1], want, difference=largest)
