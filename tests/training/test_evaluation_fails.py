"""What cannot be computed is refused before training; an evaluation that fails loses nothing that was trained."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from gancore.artifacts import load
from gancore.cli import main

EXPERIMENT = """
data: {use: folder, path: images, resolution: 8}
generator: {use: mlp, normalization: none, z_dim: 4, hidden: [8]}
discriminator: {use: mlp, normalization: none, hidden: [8]}
regularizers: {}
training: {kimg: 0.012, batch: 4, checkpoint_kimg: 1, device: cpu}
evaluation: {features: embedded, metrics: [METRIC], samples: 8, every_kimg: 0.004}
"""


@pytest.fixture
def experiment(tmp_path: Path) -> Any:
    def make(images: int, metric: str = "fid") -> Path:
        (tmp_path / "images").mkdir()
        for i in range(images):
            Image.new("RGB", (8, 8), (i, 40 * i, 0)).save(tmp_path / "images" / f"{i}.png")
        (tmp_path / "x.yaml").write_text(EXPERIMENT.replace("METRIC", metric))
        return tmp_path / "x.yaml"

    return make


@pytest.mark.parametrize(
    ("images", "metric", "more", "reason"),
    [
        (1, "fid", (), "fid: a covariance needs at least two real images, and there is 1"),
        (3, "precision_recall", (), "more than 3 images on either side, and there are 8 generated and 3 real ones"),
        (9, "precision_recall", ("evaluation.reals=3",), "and there are 8 generated and 3 real ones"),
        (1, "kid", (), "kid needs two images on either side"),
    ],
)
def test_too_few_images_are_refused_before_anything_is_written(
    experiment: Any,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    images: int,
    metric: str,
    more: Any,
    reason: str,
) -> None:
    overrides = [word for change in more for word in ("-o", change)]
    assert main(["train", str(experiment(images, metric)), "--out", str(tmp_path / "run"), *overrides]) == 2
    err = capsys.readouterr().err
    assert reason in err
    assert "or train without evaluation: -o evaluation=null" in err
    assert not (tmp_path / "run").exists()


def failing(monkeypatch: pytest.MonkeyPatch, times: list[Exception]) -> None:
    """Evaluations raise these errors, one after the other, and are as they were after the last."""
    from gancore.evaluation.evaluator import Evaluator

    scores = Evaluator.scores

    def raising(self: Evaluator, fakes: Any) -> Any:
        if times:
            raise times.pop(0)
        return scores(self, fakes)

    monkeypatch.setattr(Evaluator, "scores", raising)


def test_training_goes_on_after_an_evaluation_that_failed(
    experiment: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file, run = experiment(4), tmp_path / "run"
    failing(monkeypatch, [ValueError("no such matrix"), MemoryError()])
    assert main(["train", str(file), "--out", str(run)]) == 0
    err = capsys.readouterr().err
    assert "the evaluation at 0.004 kimg failed: ValueError: no such matrix" in err
    assert "the evaluation at 0.008 kimg failed: MemoryError" in err
    (line,) = (run / "metrics.jsonl").read_text().splitlines()
    assert json.loads(line)["kimg"] == 0.012
    assert (run / "checkpoint-000000.008.safetensors").exists()  # written before the evaluation


def test_a_run_whose_last_evaluation_failed_has_everything_else(
    experiment: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file, run = experiment(4), tmp_path / "run"
    failing(monkeypatch, [ValueError("a"), ValueError("b"), ValueError("c")])
    assert main(["train", str(file), "--out", str(run)]) == 1
    assert "the evaluation at 0.012 kimg failed: ValueError: c; run folder:" in capsys.readouterr().err
    load(run)
    assert (run / "samples" / "fakes-000000.012.png").exists()
    assert main(["train", str(file), "--out", str(run)]) == 0  # made up for
    assert len((run / "metrics.jsonl").read_text().splitlines()) == 1
