"""Runs and grids go on under the rules by which their data were read when they began (`data.format`)."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from gancore.cli import main
from gancore.config import load_experiment

SMALL = """
data: {use: folder, path: images, resolution: 8, labels: true}
generator: {use: mlp, normalization: none, z_dim: 4}
discriminator: {use: mlp, normalization: none}
training: {kimg: 0.008, batch: 4}
evaluation: null
"""


@pytest.fixture
def experiment(tmp_path: Path) -> Path:
    for name in ("9", "10"):
        (tmp_path / "images" / name).mkdir(parents=True)
        for i in range(4):
            Image.new("RGB", (8, 8), (int(name) * 20, i, 0)).save(tmp_path / "images" / name / f"{i}.png")
    (tmp_path / "x.yaml").write_text(SMALL)
    return tmp_path / "x.yaml"


def classes(run: Path) -> Any:
    return json.loads((run / "environment.json").read_text())["classes"]


def test_a_run_of_before_keeps_the_order_of_its_classes(experiment: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert main(["train", str(experiment), "--out", str(run), "-o", "data.format=1"]) == 0
    assert classes(run) == ["10", "9"]
    config = run / "config.yaml"
    config.write_text(config.read_text().replace("  format: 1\n", ""))  # as it was written before there was the key
    assert load_experiment(config).data.core.format == 1
    for source in (experiment, run):
        assert main(["train", str(source), "--out", str(run), "-o", "training.kimg=0.012"]) == 0
    assert "format: 1\n" in config.read_text().split("data:")[1]


def test_a_new_run_has_natural_order(experiment: Path, tmp_path: Path) -> None:
    assert main(["train", str(experiment), "--out", str(tmp_path / "run")]) == 0
    assert classes(tmp_path / "run") == ["9", "10"]
    assert load_experiment(tmp_path / "run" / "config.yaml").data.core.format == 2
