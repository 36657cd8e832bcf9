"""Golden c12: features of the shipped stem; with GANCORE_INCEPTION_WEIGHTS the full network and its metrics."""

import os
from pathlib import Path

import pytest
import torch
from support.fakes import made
from support.golden_cases import Case, cases, close
from support.pictures import folder, image_data

from gancore.contracts import Feature
from gancore.evaluation import evaluate
from gancore_plugins.features.embedded import resized

CASES = cases("c12_*")
CPU = torch.device("cpu")
FULL = pytest.mark.skipif(not os.environ.get("GANCORE_INCEPTION_WEIGHTS"), reason="GANCORE_INCEPTION_WEIGHTS not set")


def prepared(name: str) -> Feature:
    feature = made("feature", name)
    feature.check()
    feature.prepare(CPU)
    return feature


@pytest.mark.parametrize("case", CASES, ids=str)
def test_embedded_sees_what_the_stem_sees(case: Case) -> None:
    t = case.tensors
    close(resized(t["images32"][:8].float()), t["stem_input75"], difference=1e-6)
    embedded = prepared("embedded")
    for images, stored in (("images32", "stem_mixed5d_75"), ("set_a", "set_a_stem75"), ("set_b", "set_b_stem75")):
        found = embedded.extract(t[images], ["features"])["features"]
        # weights are stored in half precision
        assert float((found - t[stored]).norm() / t[stored].norm()) < 3e-3


@FULL
@pytest.mark.parametrize("case", CASES, ids=str)
def test_inception_features(case: Case) -> None:
    found = prepared("inception").extract(case.tensors["images32"], ["features", "logits"])["features"]
    want = case.tensors["features2048"]
    assert float((found - want).norm() / want.norm()) < 1e-4


@FULL
@pytest.mark.parametrize("case", CASES, ids=str)
def test_metrics_are_those_of_torch_fidelity(case: Case, tmp_path: Path) -> None:
    settings, want = case.sidecar["settings"], case.sidecar["metrics"]
    kid = {"use": "kid", "subsets": settings["kid_subsets"], "subset_size": settings["kid_subset_size"]}
    scores = evaluate(
        folder(tmp_path / "fakes", case.tensors["set_a"]),
        metrics=["fid", kid, "precision_recall"],
        real=image_data(case.tensors["set_b"]),
    )
    found = {score.name: score.value for score in scores}
    assert found["fid"] == pytest.approx(want["frechet_inception_distance"], rel=1e-3)
    assert found["kid"] == pytest.approx(want["kernel_inception_distance_mean"], rel=1e-3)
    assert found["precision[inception]"] == pytest.approx(want["precision"], rel=1e-3)
    assert found["recall[inception]"] == pytest.approx(want["recall"], rel=1e-3)
