"""Golden p07: the formulas of the metrics on given features, and the whole path-length pipeline on a generator."""

from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from support.fakes import FakeDraw
from support.golden_cases import Case, cases, close
from support.published import generator, load
from torch import Tensor
from torch.nn import functional as F

from gancore.contracts import Moments
from gancore.evaluation.moments import moments_of
from gancore_plugins.metrics.frechet import frechet_distance
from gancore_plugins.metrics.inception_score import inception_score
from gancore_plugins.metrics.kid import subset_mmds
from gancore_plugins.metrics.path_length import Walk, slerp, trimmed_mean
from gancore_plugins.metrics.precision_recall import shares_within


def parts(pattern: str, key: str = "cases") -> list[Any]:
    found = [(case, part) for case in cases(pattern) for part in case.sidecar[key]]
    return [pytest.param(case, part, id=part["name"]) for case, part in found]


def scaled(moments: Moments, n: int) -> Moments:
    """The covariance divided by n, as NVIDIA's code has it; ours is divided by n - 1, like torch-fidelity's."""
    return Moments(moments.mean, moments.covariance * (n - 1) / n)


@pytest.mark.parametrize(("case", "part"), parts("p07_fid*"))
def test_fid(case: Case, part: dict[str, Any]) -> None:
    tensors = case.under(f"{part['name']}.")
    real, fake = tensors["real"], tensors.get("gen", tensors["real"])
    ours = moments_of(real), moments_of(fake)
    biased = scaled(ours[0], part["nr"]), scaled(ours[1], part["ng"])
    if "sigma_real64" in tensors:
        close(biased[0].mean, tensors["mu_real64"])
        close(biased[0].covariance, tensors["sigma_real64"])
    # roots of eigenvalues that should be 0 are in the reference where covariances are singular
    singular = min(part["rank_cov_real"], part["rank_cov_gen"]) < part["d"]
    allowed = 1e-6 if singular else 1e-9
    assert frechet_distance(*biased) == pytest.approx(float(tensors["fid_formula64"]), rel=allowed, abs=allowed)
    if "fid_unbiased64" in tensors:
        assert frechet_distance(*ours) == pytest.approx(float(tensors["fid_unbiased64"]), rel=allowed, abs=allowed)


@pytest.mark.parametrize(("case", "part"), parts("p07_kid*"))
def test_kid(case: Case, part: dict[str, Any]) -> None:
    t = case.under(f"{part['name']}.")
    subsets = list(zip(t["subset_gen"].numpy(), t["subset_real"].numpy(), strict=True))
    estimates = torch.tensor(subset_mmds(t["gen"], t["real"], subsets), dtype=torch.float64)
    close(estimates.mean(), t["kid_formula64"])


@pytest.mark.parametrize(("case", "part"), parts("p07_precision_recall*"))
def test_precision_and_recall(case: Case, part: dict[str, Any]) -> None:
    t = case.under(f"{part['name']}.")
    found = shares_within(t["gen"], t["real"], part["k"])
    assert found == pytest.approx(t["precision_recall_f64"].tolist(), abs=1e-6)


@pytest.mark.parametrize(("case", "part"), parts("p07_inception_score*"))
def test_inception_score(case: Case, part: dict[str, Any]) -> None:
    t = case.under(f"{part['name']}.")
    found = inception_score(t["logits"], part["splits"], shuffle=False)
    assert found.value == pytest.approx(float(t["mean_formula64"]), rel=1e-9)
    assert found.spread == pytest.approx(float(t["std_formula64"]), rel=1e-9)


@dataclass
class GivenDraw(FakeDraw):
    """Gives the stored numbers; noise comes in the order of the layers, again for the second image of a pair."""

    noise: list[Tensor] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def normal(self, purpose: str, shape: Any = ()) -> Tensor:
        if purpose.startswith("noise."):
            if purpose not in self.asked:
                self.asked.append(purpose)
            return self.noise[self.asked.index(purpose)].expand(self.n, *shape)
        return super().normal(purpose, shape)


class Boxes:
    """The stated distance: squared difference of means over 4x4 pixels, of images in [0, 1]."""

    @staticmethod
    def distance(a: Tensor, b: Tensor) -> Tensor:
        a, b = (F.avg_pool2d(x / 255, 4).flatten(1) for x in (a, b))
        return (a - b).square().sum(dim=1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize(("case", "part"), parts("p07_ppl*", "sampler_cases"))
def test_path_lengths(case: Case, part: dict[str, Any], dtype: torch.dtype) -> None:
    t = case.under(f"{part['name']}.", dtype)
    G = load(generator(case.sidecar["constructor"]["kwargs"]), case, "G.", dtype)
    noises = [t[f"noise{i}"] for i in range(len(case.sidecar["noise_buffers"]))]
    walk = Walk(part["space"], part["sampling"], part["crop"], part["eps"])
    lengths = []
    for batch, z in enumerate(t["z"]):
        z0, z1 = z.chunk(2)
        given = {"z0/z": z0, "z1/z": z1, "t": t["t"][batch]}
        draw = GivenDraw(len(z0), given=given, noise=[noise[batch] for noise in noises])
        lengths.append(walk.lengths(G, Boxes, draw, None))
    found = torch.cat(lengths)[: case.sidecar["num_samples"]]
    if dtype == torch.float64:
        close(found, t["dist64"].double(), rtol64=1e-7)
    else:
        close(found, t["dist"], case.tensors[f"{part['name']}.dist64"])
        assert trimmed_mean(found) == pytest.approx(part["ppl"], rel=10 * part["dist_rel_f32_vs_f64"])


@pytest.mark.parametrize(("case", "part"), parts("p07_ppl*", "filter_cases"))
def test_percentiles(case: Case, part: dict[str, Any]) -> None:
    t = case.under(f"filter.{part['name']}.")
    assert trimmed_mean(t["dist"]) == pytest.approx(float(t["ppl_formula64"]), rel=1e-9)


@pytest.mark.parametrize("case", cases("p07_ppl*"), ids=str)
def test_slerp(case: Case) -> None:
    t = case.under("slerp.")
    close(slerp(t["a"], t["b"], t["t"]), t["out"], t["out64"])
    close(slerp(t["a"].double(), t["b"].double(), t["t"].double()), t["out64"])
