"""Archives that are written: the same images from the same bytes; the embedded emoji; `gancore data`."""

import importlib.util
import json
import os
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from gancore.cli import main
from gancore.config.sections.data import DataKeys
from gancore.data import open_data
from gancore.data.convert import write_archive


@pytest.fixture
def folder(make: Any, tmp_path: Path) -> Path:
    files = {f"{'xy'[i % 2]}/{i}.png": make.file(picture) for i, picture in enumerate(make.pixels(5))}
    return make.folder(tmp_path / "images", files)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("labels", [False, True])
def test_what_is_written_is_read(make: Any, folder: Path, tmp_path: Path, channels: int, labels: bool) -> None:
    data = make.open("folder", folder, channels=channels, labels=labels)
    paths = [tmp_path / "one.zip", tmp_path / "two.zip"]
    for path in paths:
        write_archive(data, path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    again = make.open("zip", paths[0], channels=channels, labels=labels)
    assert again.identity.sha256 == data.identity.sha256
    assert again.class_names == data.class_names


def test_a_failed_write_leaves_what_was_there(
    make: Any, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out" / "x.zip"
    path.parent.mkdir()
    path.write_bytes(b"before")

    def fail(_: np.ndarray) -> bytes:
        raise OSError("disk full")

    monkeypatch.setattr("gancore.data.convert.png", fail)
    with pytest.raises(OSError, match="disk full"):
        write_archive(make.open("folder", folder), path)
    assert path.read_bytes() == b"before"
    assert list(path.parent.iterdir()) == [path]


@pytest.fixture
def make_emoji() -> ModuleType:
    script = Path(__file__).parents[2] / "scripts" / "make_emoji.py"
    spec = importlib.util.spec_from_file_location("make_emoji", script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_make_emoji_is_deterministic_and_halves_by_means(make: Any, tmp_path: Path, make_emoji: ModuleType) -> None:
    pixels = make.pixels(3, 64)
    files = {f"00000/{i}.png": make.file(picture) for i, picture in enumerate(pixels)}
    index = {"labels": [[name, i % 2] for i, name in enumerate(files)], "classes": ["first", "second"]}
    source = make.zip(tmp_path / "source.zip", files | {"LICENSE.txt": b"Of someone.\n"}, index)
    results = [tmp_path / "one.zip", tmp_path / "two.zip"]
    for result in results:
        make_emoji.make_emoji(source, result)
    assert results[0].read_bytes() == results[1].read_bytes()
    assert results[0].with_suffix(".txt").read_text().startswith("Of someone.\nReduced to 32x32")
    data = make.open("zip", results[0], labels=True)
    assert data.class_names == ["first", "second"]
    means = pixels.reshape(3, 32, 2, 32, 2, 3).mean((2, 4)).transpose(0, 3, 1, 2)
    assert np.abs(data.images - means).max() <= 1


@pytest.mark.slow
def test_the_embedded_emoji_are_what_the_script_writes(make: Any, tmp_path: Path) -> None:
    dataset = make.dataset("emoji")
    data = open_data(dataset, DataKeys(labels=True))
    write_archive(data, tmp_path / "again.zip")
    again = make.open("zip", tmp_path / "again.zip", labels=True)
    assert again.identity.sha256 == data.identity.sha256
    assert again.class_names == data.class_names


def run(capsys: pytest.CaptureFixture[str], *args: object) -> tuple[int, str, str]:
    code = main([str(arg) for arg in args])
    out, err = capsys.readouterr()
    return code, out, err


class TestInfo:
    def test_folder(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (folder / "x" / "bad.png").write_bytes(b"bad")
        code, out, _ = run(capsys, "data", "info", folder)
        assert code == 0
        for line in (
            "images      5 of 16x16, 3 channels",
            "classes     2",
            "skipped     1",
            "  x/bad.png: not an image",
        ):
            assert line in out

    def test_json(self, make: Any, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        code, out, _ = run(capsys, "data", "info", folder, "--json")
        facts = json.loads(out)
        assert code == 0
        assert facts["classes"] == {"x": 3, "y": 2}
        assert facts["skipped"] == []
        assert facts.items() >= make.open("folder", folder, labels=True).identity.to_dict().items() - {
            ("dataset", "folder")
        }
        assert facts["dataset"] == "folder"

    def test_gray_archive_stays_gray(self, make: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        path = make.zip(tmp_path / "g.zip", make.pictures(make.pixels(2, 16, 1)))
        assert "images      2 of 16x16, 1 channel\n" in run(capsys, "data", "info", path)[1]

    def test_idx_folder_and_file(self, make: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        images = make.idx(tmp_path / "train-images-idx3-ubyte", make.pixels(3, 28, 1)[..., 0])
        make.idx(tmp_path / "train-labels-idx1-ubyte", np.array([0, 1, 1]))
        for path in (tmp_path, images):
            facts = json.loads(run(capsys, "data", "info", path, "--json")[1])
            assert (facts["dataset"], facts["count"], facts["classes"]) == ("idx", 3, {"0": 1, "1": 2})

    def test_experiment(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        path = tmp_path / "x.yaml"
        path.write_text("data: {use: emoji, mirror: true}\n")
        facts = json.loads(run(capsys, "data", "info", path, "-o", "data.classes=[Flags]", "--json")[1])
        assert (facts["dataset"], facts["count"], facts["mirror"]) == ("emoji", 270, True)

    @pytest.mark.parametrize(
        ("name", "reason"),
        [("missing", "no such file or folder"), ("empty", "no images are found here"), ("x.yaml", "x.yaml")],
    )
    def test_refusals(self, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, reason: str) -> None:
        (tmp_path / "empty").mkdir()
        code, out, err = run(capsys, "data", "info", tmp_path / name)
        assert (code, out) == (2, "")
        assert reason in err
        assert "Traceback" not in err

    def test_overrides_are_for_experiments(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        code, _, err = run(capsys, "data", "info", folder, "-o", "data.resolution=8")
        assert code == 2
        assert "only an experiment has keys to override" in err


class TestConvert:
    def test_nothing_else_in_the_folder_goes(self, make: Any, folder: Path, tmp_path: Path) -> None:
        mine = tmp_path / "building-plans"
        mine.mkdir()
        os.utime(mine, (1, 1))
        assert main(["data", "convert", str(folder), str(tmp_path / "out.zip")]) == 0
        assert mine.is_dir()

    def test_folder_to_zip(self, make: Any, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        paths = [tmp_path / "one.zip", tmp_path / "two.zip"]
        for path in paths:
            code, out, _ = run(capsys, "data", "convert", folder, path)
            assert (code, out) == (0, f"{path}: 5 images of 16x16, 3 channels\n")
        assert paths[0].read_bytes() == paths[1].read_bytes()
        converted = make.open("zip", paths[0], labels=True)
        assert converted.identity.sha256 == make.open("folder", folder, labels=True).identity.sha256
        assert converted.class_names == ["x", "y"]

    def test_fitted(self, make: Any, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        path = tmp_path / "small.zip"
        options = ["--resolution", 8, "--fit", "resize", "--filter", "box", "--channels", 1]
        assert run(capsys, "data", "convert", folder, path, *options)[0] == 0
        expected = make.open("folder", folder, resolution=8, fit="resize", filter="box", channels=1)
        np.testing.assert_array_equal(make.open("zip", path, channels=1).images, expected.images)

    def test_experiment_to_zip(self, make: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "x.yaml").write_text("data: {use: emoji, resolution: 16, fit: resize, classes: [Flags, Objects]}\n")
        assert run(capsys, "data", "convert", tmp_path / "x.yaml", tmp_path / "x.zip")[0] == 0
        converted = make.open("zip", tmp_path / "x.zip", labels=True)
        assert (len(converted), converted.interface.resolution, converted.class_names) == (
            534,
            16,
            ["Flags", "Objects"],
        )

    def test_nothing_is_overwritten_unless_forced(
        self, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = tmp_path / "x.zip"
        path.write_bytes(b"before")
        code, _, err = run(capsys, "data", "convert", folder, path)
        assert code == 2
        assert "--force replaces it" in err
        assert path.read_bytes() == b"before"
        assert run(capsys, "data", "convert", folder, path, "--force")[0] == 0
        assert path.read_bytes() != b"before"

    def test_unusable_images(self, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (folder / "x" / "bad.png").write_bytes(b"bad")
        path = tmp_path / "x.zip"
        code, _, err = run(capsys, "data", "convert", folder, path)
        assert code == 2
        assert "1 of 6 images cannot be used (1 damaged)" in err
        assert not path.exists()
        assert run(capsys, "data", "convert", folder, path, "--skip-invalid")[1].endswith("3 channels, 1 skipped\n")

    def test_other_names_than_zip(self, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        code, _, err = run(capsys, "data", "convert", folder, tmp_path / "x.tar")
        assert code == 2
        assert "ends in .zip" in err
