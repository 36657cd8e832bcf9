"""`gancore analyze`: files with their protocol, and one line for everything that cannot be."""

import json
from pathlib import Path
from shutil import copytree

import pytest
from PIL import Image
from support.subjects import FIXTURE
from support.tiny import QUICK, tiny_mapping

from gancore import analyze
from gancore.artifacts import RunFolder, analyses
from gancore.cli import main
from gancore.config import load_experiment
from gancore.errors import GancoreError


def run(*args: object) -> int:
    return main(["analyze", *map(str, args)])


def test_figures_and_numbers_lie_in_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copytree(FIXTURE, tmp_path / "run")
    assert (
        run(tmp_path / "run", "--analysis", "droplets", "--count", 4, "--seeds", "0-1", "--option", "ratio=3", "--json")
        == 0
    )
    (record,) = json.loads(capsys.readouterr().out)
    kept = json.loads((tmp_path / "run/analyses/droplets.json").read_text())
    assert kept == record
    assert record["options"]["ratio"] == 3
    assert (record["count"], record["seeds"]) == (4, [0, 1])
    assert "peak-to-median" in record["protocol"]
    assert record["versions"].keys() == {"gancore", "torch"}
    assert record["subject"]["kimg"] == pytest.approx(0.064)
    assert record["numbers"]["score"].keys() == {"value", "spread"}
    for name in record["files"]:
        assert (tmp_path / "run/analyses" / name).stat().st_size > 100
    with Image.open(tmp_path / "run/analyses/droplets-maps.png") as image:
        assert image.width > 300


def test_seeds_are_measured_apart_and_repeat() -> None:
    first, second = (analyze(FIXTURE, ["droplets"], count=4, seeds=[seed], device="cpu")[0] for seed in (0, 1))
    (both,) = analyze(FIXTURE, ["droplets"], count=4, seeds=[0, 1], device="cpu")
    a, b = (record.numbers["score"].value for record in (first, second))
    assert both.numbers["score"].value == pytest.approx((a + b) / 2)
    assert both.numbers["score"].spread == pytest.approx(abs(a - b) / 2**0.5)


WRONG = {
    "unknown analysis": (["--analysis", "dropplets"], "did you mean 'droplets'"),
    "unknown option": (["--analysis", "droplets", "--option", "ration=3"], "did you mean 'ratio'"),
    "no option": (["--analysis", "droplets", "--option", "ratio"], "expected KEY=VALUE"),
    "out of range": (["--analysis", "{use: droplets, ratio: 0}"], "ratio: must be greater than 1"),
    "no seeds": (["--analysis", "droplets", "--seeds", "a"], "expected whole numbers"),
    "many seeds": (["--analysis", "droplets", "--seeds", "0-99999"], "at most 1000 seeds"),
    "no such data": (["--analysis", "droplets", "--real", "nowhere"], "nowhere"),
}


@pytest.mark.parametrize(("args", "message"), WRONG.values(), ids=WRONG)
def test_a_wrong_request_is_one_line_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], args: list[str], message: str
) -> None:
    assert run(FIXTURE, *args, "--out", tmp_path / "out") == 2
    told = capsys.readouterr().err
    assert message in told
    assert "Traceback" not in told
    assert not (tmp_path / "out").exists()


def test_no_model_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "--analysis", "droplets") == 2
    assert "no model here" in capsys.readouterr().err


def test_python_raises() -> None:
    with pytest.raises(GancoreError, match="dropplets"):
        analyze(FIXTURE, ["dropplets"])


def test_a_run_has_the_analyses_of_its_experiment(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An MLP has no maps, so droplets are refused, which is no failure of the training."""
    changes = QUICK | {"training__kimg": 0.016, "analyses": ["droplets", {"use": "truncation", "count": 4}]}
    file = tmp_path / "a.yaml"
    file.write_text(json.dumps(tiny_mapping(**changes)))
    assert main(["train", str(file), "--out", str(tmp_path / "run")]) == 0
    assert "droplets: no layer of this generator has feature maps" in capsys.readouterr().err
    found = {r.analysis: r for r in analyses.read(RunFolder(tmp_path / "run")).records}
    assert found.keys() == {"droplets", "truncation"}
    assert found["droplets"].refused
    assert found["truncation"].numbers["diversity_at_half"].value > 0
    again = tiny_mapping(**(changes | {"analyses": ["truncation"]}))
    file.write_text(json.dumps(again))
    assert main(["train", str(file), "--out", str(tmp_path / "run")]) == 0  # the same training


def test_analyses_are_no_part_of_what_an_experiment_is() -> None:
    plain, looked = (load_experiment(tiny_mapping(analyses=listed)) for listed in (None, ["droplets"]))
    assert "analyses" not in plain.to_dict()
    assert looked.to_dict()["analyses"][0]["use"] == "droplets"
    assert load_experiment(looked.to_dict()).to_dict() == looked.to_dict()
    assert plain.identity() == looked.identity()
