"""Names that cannot be printed or encoded: never a traceback, and everywhere the same text."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from gancore.artifacts import load
from gancore.artifacts.run import RunFolder
from gancore.cli import main
from gancore.errors import GancoreError, RunError
from gancore.names import json_text, shown
from gancore.training.samples import label_number

LATIN1 = os.fsdecode(b"t\xe9")

EXPERIMENT = """
data: {use: folder, path: images, resolution: 8, labels: true}
generator: {use: mlp, normalization: none, z_dim: 4, hidden: [8]}
discriminator: {use: mlp, normalization: none, hidden: [8]}
training: {kimg: 0.008, batch: 4}
evaluation: null
"""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("plain name", "plain name"),
        ("été 👩‍👧", "été 👩‍👧"),
        (LATIN1, r"t\xe9"),
        ("a\nb\x1b[31m", r"a\nb\x1b[31m"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
    ],
)
def test_a_name_as_it_is_shown(name: str, text: str) -> None:
    assert shown(name) == text
    assert shown(text) == text
    assert json.loads(json_text([name])) == [name]
    json_text([name]).encode()


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """An experiment in a folder whose name is not UTF-8, with classes of odd names."""
    base = tmp_path / LATIN1
    for number, name in enumerate((LATIN1, "a\nb", "c 👩‍👧")):
        (base / "images" / name).mkdir(parents=True)
        for i in range(4):
            Image.new("RGB", (8, 8), (number * 80, i, 0)).save(base / "images" / name / f"{name}{i}.png")
    (base / "images" / f"{LATIN1}.txt").touch()
    (base / "x.yaml").write_text(EXPERIMENT)
    return base


def test_from_info_to_a_model_with_odd_names(
    base: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, names = tmp_path / "run", [r"a\nb", "c 👩‍👧", r"t\xe9"]
    assert main(["data", "info", str(base / "images")]) == 0
    assert r"t\xe9" in capfd.readouterr().out
    assert main(["data", "info", "--json", str(base / "images")]) == 0
    assert list(json.loads(capfd.readouterr().out)["classes"]) == names
    assert main(["data", "convert", str(base / "images"), str(base / "x.zip")]) == 0
    assert main(["train", str(base / "x.yaml"), "--out", str(run)]) == 0
    assert json.loads((run / "environment.json").read_text())["classes"] == names
    assert list(load(run).class_names) == names
    with Image.open(next((run / "samples").glob("fakes-*"))) as picture:
        assert picture.text["classes"] == ", ".join(names)
    assert main(["train", str(run), "-o", "training.kimg=0.012"]) == 0
    assert main(["sample", str(run), "--label", r"t\xe9", "--label", "0", "--out", str(tmp_path / "s.png")]) == 0
    assert main(["validate", str(base / "x.yaml")]) == 0


def test_a_run_folder_that_tensorboard_cannot_write_is_refused_at_once(base: Path) -> None:
    assert main(["train", str(base / "x.yaml"), "--out", str(base / "run")]) == 2
    assert not (base / "run").exists()
    with pytest.raises(RunError, match="the name is not UTF-8"):
        RunFolder(base / "run").check_usable()


class Model:
    """What `label_number` looks at."""

    examples = None

    def __init__(self, *names: str) -> None:
        self.class_names, self.label_count = names, max(len(names), 3)


def test_labels_have_names_and_numbers() -> None:
    model: Any = Model("cats", "dogs", "10")
    assert [label_number(label, model) for label in ("dogs", "0", "10", "2")] == [1, 0, 2, 2]
    with pytest.raises(GancoreError, match="label dog: did you mean 'dogs'"):
        label_number("dog", model)
    with pytest.raises(GancoreError, match="label 3: this model has classes 0 to 2"):
        label_number("3", model)
    with pytest.raises(GancoreError, match="label dog: this model has no names of classes"):
        label_number("dog", Model())  # type: ignore[arg-type]
