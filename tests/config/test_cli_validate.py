"""`gancore validate` and `gancore schema`."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gancore.cli import main
from gancore.config import load_experiment
from gancore.config.yaml.reader import parse
from gancore.registry import Registry

Write = Callable[[str, str], Path]
GOOD = "data: emoji\ngenerator: {mapping: {layers: 2}}\n"

pytestmark = pytest.mark.usefixtures("fakes")


def test_validate_prints_the_resolved_experiment(
    write: Write, registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write("a.yaml", GOOD)
    args = ["-o", "generator=plain", "-o", "generator.normalization=none"]
    assert main(["validate", str(path), *args]) == 0
    out, err = capsys.readouterr()
    expected = load_experiment(path, ["generator=plain", "generator.normalization=none"], registry)
    assert parse(out, "stdout").data == expected.to_dict()
    assert err == "note: a.yaml:2: generator.mapping: dropped; generator 'plain' has no such option\n"


def test_validate_json(write: Write, registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    path = write("a.yaml", GOOD)
    assert main(["validate", str(path), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer == {"valid": True, "experiment": load_experiment(path, (), registry).to_dict(), "dropped": []}
    write("b.yaml", "data: emoji\nlos: 1\n")
    assert main(["validate", "b.yaml", "--json"]) == 2
    (problem,) = json.loads(capsys.readouterr().out)["problems"]
    assert (problem["where"], problem["key"]) == ("b.yaml:2", "los")


def test_diff(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    write("a.yaml", GOOD)
    write("b.yaml", GOOD + "loss: {use: non_saturating}\ntraining: {kimg: 5}\n")
    assert main(["validate", "--diff", "a.yaml", "b.yaml"]) == 0
    assert capsys.readouterr().out == "name: a -> b\ntraining.kimg: 1000 -> 5\n"
    assert main(["validate", "--diff", "a.yaml", "b.yaml", "--json"]) == 0
    name, kimg = json.loads(capsys.readouterr().out)
    assert name == {"key": "name", "before": "a", "after": "b"}
    assert kimg == {"key": "training.kimg", "before": 1000, "after": 5}
    assert main(["validate", "--diff", "a.yaml", "a.yaml"]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("args", [[], ["a.yaml", "a.yaml"], ["--diff", "a.yaml"]], ids=str)
def test_number_of_files(args: list[str], write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    write("a.yaml", GOOD)
    assert main(["validate", *args]) == 2
    assert "give one FILE, or two with --diff" in capsys.readouterr().err


def test_data_that_are_elsewhere(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    write("a.yaml", "data: {use: folder, path: images, resolution: 32}\n")
    assert main(["validate", "a.yaml"]) == 2
    hint = "everything else is right (--no-data shows it)"
    assert capsys.readouterr().err == f"a.yaml:1: data: there is no folder images; {hint}\n"
    assert main(["validate", "--no-data", "a.yaml"]) == 0


PLUGIN = """\
from pathlib import Path
from gancore.contracts import Normalization
Path("executed").touch()

class Mine(Normalization):
    pass
"""


def test_ones_own_plugin_file_is_executed_and_named_from_another_folder(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    write("presets/mine.py", PLUGIN + "    own = 1\n")
    write("presets/base.yaml", "data: emoji\nplugins: {normalization: {mine: ./mine.py:Mine}}\n")
    write("top.yaml", "extends: presets/base.yaml\ngenerator: {normalization: mine}\n")
    assert main(["validate", "top.yaml"]) == 0
    resolved = parse(capsys.readouterr().out, "stdout").data
    assert resolved["plugins"] == {"normalization": {"mine": "presets/mine.py:Mine"}}


def test_schema(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    printed = capsys.readouterr().out
    assert json.loads(printed)["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert main(["schema", "-o", str(tmp_path / "schema.json")]) == 0
    assert (tmp_path / "schema.json").read_text() == printed
    assert capsys.readouterr().out == ""


DATASET = """\
from gancore.contracts import Dataset, Item

class Bare(Dataset):
    pass

class Fails(Dataset):
    def __init__(self, cfg, base):
        raise OSError("no power")

class Nothing(Dataset):
    def items(self):
        return None

class Misnamed(Dataset):
    def items(self):
        return [Item("0", bytes, 0)]

    def class_names(self):
        return 5
"""


@pytest.mark.parametrize(
    ("name", "failure"),
    [
        ("Bare", "NotImplementedError"),
        ("Fails", "OSError: no power"),
        ("Nothing", "TypeError: 'NoneType' object is not iterable"),
        ("Misnamed", "TypeError: "),
    ],
)
def test_what_a_dataset_raises_is_told_at_its_line(
    name: str, failure: str, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write("mine.py", f"{DATASET}# {name}\n").resolve()  # of its own: a content is executed once
    plugins = f"plugins: {{dataset: {{mine: './mine.py:{name}'}}}}\n"
    write("a.yaml", plugins + "data: {use: mine, resolution: 16, labels: true}\n")
    assert main(["validate", "a.yaml"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("a.yaml:2: data: dataset ")
    assert str(file) in line
    assert failure in line
    assert main(["data", "info", "a.yaml"]) == 2
    assert failure in capsys.readouterr().err
