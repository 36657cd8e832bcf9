"""Golden p06: ADA against the published pipeline, transform by transform, as a whole, and its strength."""

import itertools
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from support.fakes import FakeDraw, made
from support.golden_cases import Case, cases, close
from torch import Tensor

from gancore.contracts import Interface
from gancore_plugins.augmentations.ada.corruption import band_filters
from gancore_plugins.augmentations.ada.warp import low_pass

# Names of the published code, where ours differ.
NAMES = {
    "xint": "integer_translation",
    "xfrac": "translation",
    "rotate": "rotation",
    "aniso": "anisotropic",
    "lumaflip": "luma_flip",
    "imgfilter": "filter",
}
PIPELINES = [case for case in cases("p06_ada_*") if "cases" in case.sidecar]
UPDATES = [case for case in cases("p06_ada_*") if "runs" in case.sidecar]
DTYPES = {"": torch.float32, "64": torch.float64}


def pipeline(kwargs: dict[str, Any], image: Tensor, p: float = 1.0) -> Any:
    options = {}
    for key, value in kwargs.items():
        transform, _, magnitude = key.partition("_")
        options["_".join(filter(None, (NAMES.get(transform, transform), magnitude)))] = value
    return made("augmentation", "ada", Interface(image.shape[3], image.shape[1]), set="none", p=p, **options)


class PercentileDraw(FakeDraw):
    """The published debugging mode: uniform draws are the percentile q, normal ones erfinv(2q - 1), all gates open."""

    def __init__(self, n: int, q: float, grain: Tensor | None) -> None:
        super().__init__(n)
        self.q, self.grain = torch.tensor(q), grain

    def uniform(self, purpose: str, shape: Sequence[int] = ()) -> Tensor:
        value = torch.tensor(0.5) if purpose == "ada.rotation_after" else self.q
        return (torch.tensor(0.0) if purpose.endswith(".gate") else value).expand(self.n, *shape)

    def normal(self, purpose: str, shape: Sequence[int] = ()) -> Tensor:
        if purpose == "ada.noise.grain":
            assert self.grain is not None
            return self.grain
        half_normal = purpose == "ada.noise"
        return torch.erfinv(self.q if half_normal else self.q * 2 - 1).expand(self.n, *shape)


class StoredDraw(FakeDraw):
    """Gives the stored numbers one after the other, and checks that they are of the kind that is asked for."""

    def __init__(self, n: int, stored: list[tuple[str, Tensor]]) -> None:
        super().__init__(n)
        self.stored = stored

    def uniform(self, purpose: str, shape: Sequence[int] = ()) -> Tensor:
        return self._next("rand", shape)

    def normal(self, purpose: str, shape: Sequence[int] = ()) -> Tensor:
        return self._next("randn", shape)

    def _next(self, kind: str, shape: Sequence[int]) -> Tensor:
        stored_kind, numbers = self.stored.pop(0)
        assert kind == stored_kind
        return numbers.reshape(self.n, *shape)


def runs() -> list[Any]:
    """(case, run, precision) of every stored output; gray runs are not listed, only their tensors name them."""
    found = []
    for case in PIPELINES:
        listed = list(case.sidecar["cases"])
        for name in sorted(
            n.removesuffix(".out") for n in case.tensors if n.startswith("gray.") and n.endswith(".out")
        ):
            _, transform, q = name.split(".", 2)
            q = q.removeprefix("q")
            listed.append({"name": name, "kwargs": {transform: 1}, "debug_percentile": float(q), "input": "img_gray"})
        for run, precision in itertools.product(listed, DTYPES):
            if f"{run['name']}.out{precision}" in case.tensors:
                found.append(pytest.param(case, run, precision, id=f"{case}-{run['name']}{precision and '-64'}"))
    return found


def draw_of(case: Case, run: dict[str, Any], n: int, dtype: torch.dtype) -> FakeDraw:
    name = run["name"]
    if "debug_percentile" in run:
        return PercentileDraw(n, run["debug_percentile"], case.tensors.get(f"{name}.noise"))
    numbers = [case.tensors[key].to(dtype) for key in sorted(case.tensors) if key.startswith(f"{name}.draw")]
    return StoredDraw(n, list(zip([draw["kind"] for draw in run["draws"]], numbers, strict=True)))


def rounding(case: Case, run: dict[str, Any]) -> float:
    """The sidecar's difference of float32 and float64 for this run, or the largest for these transforms."""
    if "f32_vs_f64" in run:
        return run["f32_vs_f64"]
    others = [r for r in case.sidecar["cases"] if r["kwargs"].keys() & run["kwargs"].keys()]
    return max((r.get("f32_vs_f64", 0.0) for r in others), default=0.0)


@pytest.mark.parametrize(("case", "run", "precision"), runs())
def test_golden_pipeline(case: Case, run: dict[str, Any], precision: str) -> None:
    name, dtype = run["name"], DTYPES[precision]
    image = case.tensors[run.get("input", "img")].to(dtype).requires_grad_()
    draw = draw_of(case, run, len(image), dtype)
    (out,) = pipeline(run["kwargs"], image, run.get("p", 1.0))((image,), draw, 0.0)
    assert not getattr(draw, "stored", None), "draws were left over"
    near(out, case.tensors[f"{name}.out{precision}"], rounding(case, run))
    if (want := case.tensors.get(f"{name}.grad_img")) is not None and not precision:
        (gradient,) = torch.autograd.grad((out * case.tensors["proj"]).sum(), image)
        near(gradient, want, rounding(case, run))


def near(got: Tensor, want: Tensor, rounding: float) -> None:
    """As golden_cases.close, with the rounding from the sidecar."""
    if want.dtype == torch.float64:
        close(got, want)
        return
    error, scale = float((got.detach() - want).abs().max()), float(want.abs().max())
    assert error <= 10 * max(rounding, torch.finfo(torch.float32).eps * scale)


@pytest.mark.parametrize(("case", "run"), [(c, r) for c in UPDATES for r in c.sidecar["runs"]], ids=str)
def test_golden_strength(case: Case, run: dict[str, Any]) -> None:
    options = {key: run[key] for key in ("target", "interval", "kimg")}
    ada = made("augmentation", "ada", Interface(16, 3), **options)
    ada.p.fill_(run["p0"])
    strengths = []
    for step, logits in enumerate(case.tensors[f"{run['name']}.logits_real"], start=1):
        for microbatch in logits.chunk(2):
            ada.observe(microbatch)
        ada.end_step(lambda value: value)
        if step % run["interval"] == 0:
            strengths.append(ada.p.clone())
    close(torch.stack(strengths), case.tensors[f"{run['name']}.p"])


@pytest.mark.parametrize("case", [c for c in PIPELINES if "Hz_geom" in c.tensors], ids=str)
def test_golden_filters(case: Case) -> None:
    close(low_pass(), case.tensors["Hz_geom"])
    close(band_filters().float(), case.tensors["Hz_fbank"])
