"""Equivariance against the published code: operators, filters, and whole runs on generators (golden s01)."""

import pytest
import torch
from support.golden_cases import Case, cases

from gancore.analysis.equivariance import (
    Psnr,
    band_limit,
    moved_by_fractions,
    pseudo_rotated,
    rotated,
    rotation,
    shifted,
)
from gancore_plugins.analyses.phase import _shift

OPERATORS = cases("s01_equivariance_ops*")


def close(found: torch.Tensor, wanted: torch.Tensor) -> None:
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-6)  # upstream's filters are rounded to float32


@pytest.mark.parametrize("case", OPERATORS, ids=str)
@pytest.mark.parametrize("i", [0, 1])
def test_translations(case: Case, i: int) -> None:
    t = case.tensors
    for name, operator in (("int", shifted), ("frac", moved_by_fractions)):
        tx, ty = t[f"{name}{i}.t"].double().tolist()
        image, mask = operator(t["x"].double(), tx, ty)
        close(image, t[f"{name}{i}.out64"])
        assert torch.equal(mask.long(), t[f"{name}{i}.mask"])


@pytest.mark.parametrize("case", OPERATORS, ids=str)
@pytest.mark.parametrize("i", [0, 1])
def test_rotations(case: Case, i: int) -> None:
    t = case.tensors
    angle = float(t[f"rot{i}.angle"])
    for name, operator in (("rot", rotated), ("pseudo", pseudo_rotated)):
        image, mask = operator(t["y"].double(), angle)
        close(image, t[f"{name}{i}.out64"])
        assert torch.equal(mask.long(), t[f"{name}{i}.mask"])


@pytest.mark.parametrize("case", OPERATORS, ids=str)
def test_filters(case: Case) -> None:
    for name, wanted in case.tensors.items():
        if name.endswith("taps64"):
            i, up = int(name[6]), int(name[name.index("up") + 2])
            angle = float(case.tensors[f"rot{i}.angle"])
            close(band_limit(rotation(angle if up > 1 else -angle), up), wanted)


@pytest.mark.parametrize("case", cases("s01_equivariance_generator*"), ids=str)
def test_scores_of_whole_runs(case: Case) -> None:
    """From the images of the runs: the moves of the input, what is compared, and the totals over batches."""
    t, total = case.tensors, [Psnr(), Psnr(), Psnr()]
    for batch in ("batch0", "batch1"):
        own = t[f"{batch}.orig.image"].double()
        whole, fraction = (t[f"{batch}.t_{kind}"].double().tolist() for kind in ("int", "frac"))
        angle = float(t[f"{batch}.angle"])
        names = ("eqt_int", "eqt_frac", "eqr")
        moves = (_shift(*whole), _shift(*fraction), rotation(-angle).float())
        made = (shifted(own, *whole), moved_by_fractions(own, *fraction), rotated(own, angle))
        for name, matrix, (reference, mask), psnr in zip(names, moves, made, total, strict=True):
            torch.testing.assert_close(matrix, t[f"{batch}.{name}.transform"], rtol=0, atol=1e-6)
            test = t[f"{batch}.{name}.image"].double()
            if name == "eqr":
                test, inside = pseudo_rotated(test, angle)
                mask = mask * inside
            psnr.add(reference, test, mask)
            each = [Psnr() for _ in test]
            for one, a, b in zip(each, reference, test, strict=True):
                one.add(a[None], b[None], mask)
            torch.testing.assert_close(
                torch.tensor([one.decibels for one in each]), t[f"{batch}.{name}.psnr"], rtol=0, atol=1e-3
            )
    found = torch.tensor([psnr.decibels for psnr in total])
    torch.testing.assert_close(found, t["psnr_total"], rtol=0, atol=1e-3)
