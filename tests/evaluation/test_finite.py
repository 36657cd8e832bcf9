"""A score is finite or an error, and a generator's images are finite or refused."""

import math
from pathlib import Path

import pytest
import torch
from support.pictures import image_data, random_images
from support.tiny import tiny_experiment

import gancore
from gancore.artifacts.model import save_model
from gancore.cli import main
from gancore.composition import compose
from gancore.contracts import Value
from gancore.errors import GancoreError, RunError
from gancore_plugins.metrics.frechet import FID

REALS = image_data(random_images(20, 0))
WORDS = "the generator's images are not finite"


def model(path: Path, value: float) -> Path:
    """A model whose last weights are a number that they cannot be."""
    generator = compose(tiny_experiment()).generator
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.fill_(value)
    save_model(path, generator, tiny_experiment(), {"kimg": 0})
    return path


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e30])
@pytest.mark.parametrize("metric", ["fid", "kid", "precision_recall", "ppl2_wend"])
def test_a_model_that_is_not_finite_has_no_scores(tmp_path: Path, value: float, metric: str) -> None:
    with pytest.raises(GancoreError, match=rf"{WORDS}|path length: .* not finite"):
        gancore.evaluate(
            model(tmp_path / "model.safetensors", value), [metric], features="embedded", samples=8, real=REALS
        )


def test_neither_score_nor_picture_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = model(tmp_path / "model.safetensors", math.nan)
    options = ["--metrics", "fid", "--features", "embedded", "--samples", "8"]
    assert main(["evaluate", str(path), *options]) == 2
    said = capsys.readouterr()
    assert (said.out, WORDS in said.err) == ("", True)
    assert main(["sample", str(path), "--out", str(tmp_path / "samples.png")]) == 2
    assert WORDS in capsys.readouterr().err
    assert not (tmp_path / "samples.png").exists()


def test_a_metric_that_computes_something_else_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FID, "measure", lambda self, view: {"fid": Value(math.nan)})
    with pytest.raises(RunError, match=r"^fid\[embedded\]: the score is not finite \(nan\)$"):
        gancore.evaluate(
            model(tmp_path / "model.safetensors", 0.0), ["fid"], features="embedded", samples=8, real=REALS
        )
