"""Data are known by their content: runs and grids go on when the data have moved, and not on other data."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from gancore.cli import main
from gancore.config import load_experiment
from gancore.data.sources import moved

EXPERIMENT = """
data: {use: folder, path: PATH, resolution: 8}
generator: {use: mlp, normalization: none, z_dim: 4, hidden: [8]}
discriminator: {use: mlp, normalization: none, hidden: [8]}
regularizers: {}
training: {kimg: 0.008, batch: 4}
evaluation: null
"""


def pictures(folder: Path, red: int = 0) -> Path:
    folder.mkdir(parents=True)
    for i in range(6):
        Image.new("RGB", (8, 8), (red, 40 * i, 0)).save(folder / f"{i}.png")
    return folder


def written(path: Path, data: Path, more: str = "", use: str = "folder") -> Path:
    path.write_text(EXPERIMENT.replace("PATH", str(data)).replace("folder", use) + more)
    return path


@pytest.fixture
def first(tmp_path: Path) -> Path:
    return pictures(tmp_path / "first")


LONGER = ("-o", "training.kimg=0.012")


@pytest.mark.parametrize("way", ["edited", "--data with the file", "--data with the run"])
def test_a_run_goes_on(tmp_path: Path, first: Path, way: str) -> None:
    file, run = written(tmp_path / "x.yaml", first), tmp_path / "run"
    assert main(["train", str(file), "--out", str(run)]) == 0
    second = first.rename(tmp_path / "second place")
    if way == "edited":
        args = [str(written(file, second)), "--out", str(run)]
    else:
        args = [str(run if "run" in way else file), "--out", str(run), "--data", str(second)]
    assert main(["train", *args, *LONGER]) == 0
    assert load_experiment(run / "config.yaml").data.cfg.path == str(second)  # type: ignore[attr-defined]
    assert main(["train", str(run), *LONGER]) == 0


def test_other_images_are_another_run(tmp_path: Path, first: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, run = written(tmp_path / "x.yaml", first), tmp_path / "run"
    assert main(["train", str(file), "--out", str(run)]) == 0
    other, before = pictures(tmp_path / "other", red=9), (run / "config.yaml").read_text()
    assert main(["train", str(file), "--out", str(run), "--data", str(other), *LONGER]) == 2
    assert "this folder holds a run on other data" in capsys.readouterr().err
    assert (run / "config.yaml").read_text() == before


def test_an_archive_that_moved(tmp_path: Path, first: Path) -> None:
    archive = shutil.make_archive(str(tmp_path / "a"), "zip", first)
    file, run = written(tmp_path / "x.yaml", Path(archive), use="zip"), tmp_path / "run"
    assert main(["train", str(file), "--out", str(run)]) == 0
    Path(archive).rename(tmp_path / "b.zip")
    assert main(["train", str(run), "--data", str(tmp_path / "b.zip"), *LONGER]) == 0


@pytest.mark.slow
def test_a_grid_goes_on(tmp_path: Path, first: Path) -> None:
    axes = "grid: {axes: {generator.z_dim: [4]}}\n"
    file, grid = written(tmp_path / "x.yaml", first, axes), tmp_path / "grid"
    assert main(["grid", "run", str(file), "--out", str(grid)]) == 0
    second = first.rename(tmp_path / "second")
    assert main(["grid", "run", str(file), "--out", str(grid), "--data", str(second), *LONGER]) == 0
    for cell in grid.glob("cells/*/"):
        assert len(list(cell.glob("checkpoint-*"))) == 2
        assert load_experiment(cell / "config.yaml").data.cfg.path == str(second)  # type: ignore[attr-defined]


def test_evaluate_finds_data_that_moved(tmp_path: Path, first: Path) -> None:
    file, run = written(tmp_path / "x.yaml", first), tmp_path / "run"
    assert main(["train", str(file), "--out", str(run)]) == 0
    second = first.rename(tmp_path / "second")
    args = ["evaluate", str(run), "--metrics", "fid", "--features", "embedded", "--samples", "8"]
    assert main(args) == 2
    assert main([*args, "--data", str(second)]) == 0


@pytest.mark.parametrize(
    ("data", "place", "changes"),
    [
        ({"use": "folder", "path": "gone"}, "f", {"data.path": "f"}),
        ({"use": "folder", "path": "gone"}, "a.zip", {"data.use": "zip", "data.path": "a.zip"}),
        ({"use": "emoji"}, "f", {"data.use": "folder", "data.path": "f"}),
        ({"use": "torchvision", "name": "CIFAR10"}, "f", {"data.root": "f"}),
        (
            {"use": "idx", "folder": "fashion-mnist"},
            "x-images-idx3-ubyte",
            {"data.folder": None, "data.images": "x-images-idx3-ubyte", "data.label_file": None},
        ),
    ],
)
def test_what_a_place_changes(tmp_path: Path, first: Path, data: Any, place: str, changes: dict[str, Any]) -> None:
    first.rename(tmp_path / "f")
    shutil.make_archive(str(tmp_path / "a"), "zip", tmp_path / "f")
    (tmp_path / "x-images-idx3-ubyte").write_bytes(b"\0\0\x08\x03" + b"\0\0\0\x01" * 3 + b"\0")
    found = moved(load_experiment({"data": {**data, "resolution": 8}}), tmp_path / place)
    assert found == {
        key: str(tmp_path / value) if value and key != "data.use" else value for key, value in changes.items()
    }
