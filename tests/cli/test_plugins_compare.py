"""`gancore plugins compare`: which cells it trains, and the report that it writes."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from support.tiny import quick_experiment

from gancore import cli
from gancore.cli import plugin_compare
from gancore.config import Experiment
from gancore.grid.cells import cells_of


def run(*args: str | Path) -> int:
    return cli.main(["plugins", "compare", *map(str, args)])


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Experiment]:
    """The experiments that would be trained, in a folder with a plugin in a file."""
    seen: list[Experiment] = []
    monkeypatch.chdir(tmp_path)
    cli.main(["plugins", "new", "loss", "mine"])
    monkeypatch.setattr(plugin_compare, "grid", lambda experiment, *_: seen.append(experiment))
    return seen


def cells(experiment: Experiment) -> list[str]:
    return [cell.name for cell in cells_of(experiment)]


def test_a_file_is_trained_beside_built_in_ones(asked: list[Experiment]) -> None:
    assert run("loss", "mine.py:Mine", "--kimg", "0.5", "--seeds", "2") == 0
    assert cells(asked[0]) == [f"loss={n}_seed={s}" for n in ("mine", "non_saturating", "hinge") for s in (0, 1)]
    assert asked[0].training.kimg == 0.5
    assert asked[0].name == "compare-loss-mine"


def test_several_names_and_a_file_of_ones_own(asked: list[Experiment], tmp_path: Path) -> None:
    given = quick_experiment(training__kimg=0.016).to_dict() | {"grid": {"axes": {"training.batch": [4, 8]}}}
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(given))
    assert run("loss", "hinge", "mine.py:Mine", "--grid", "own.yaml") == 0
    names = [f"batch={b}_loss={n}_seed=0" for b in (4, 8) for n in ("hinge", "mine", "non_saturating")]
    assert sorted(cells(asked[0])) == sorted(names)
    assert asked[0].training.kimg == 0.016


def test_metrics_are_all_measured_in_the_same_cells(asked: list[Experiment]) -> None:
    assert run("metric", "ppl2_wend") == 0
    assert cells(asked[0]) == ["generator=skip_seed=0", "generator=residual_seed=0"]
    assert [metric.use for metric in asked[0].evaluation.metrics] == ["ppl2_wend", "fid", "kid"]


def test_a_normalization_of_weights_has_its_own_place(asked: list[Experiment]) -> None:
    assert run("normalization", "spectral") == 0
    assert len(cells(asked[0])) == 2
    assert run("normalization", "spectral", "pixel") == 2


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["loss", "hing"], "did you mean 'hinge'"),
        (["loss", "none.py:Mine"], "there is no file none.py"),
        (["loss", "mine.py:Other"], "Other"),
        (["format", "rosinality"], "a format takes no part in a training"),
        (["loss", "hinge", "--grid", "none.yaml"], "none.yaml"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(
    asked: list[Experiment], tmp_path: Path, capsys: Any, args: list[str], message: str
) -> None:
    assert run(*args) == 2
    shown = capsys.readouterr().err
    assert message in shown
    assert "Traceback" not in shown
    assert [path.name for path in tmp_path.iterdir()] == ["mine.py"]


@pytest.mark.slow
def test_the_report_has_all_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    cli.main(["plugins", "new", "loss", "mine"])
    (tmp_path / "own.yaml").write_text(quick_experiment(training__kimg=0.016).to_yaml())
    assert run("loss", "mine.py:Mine", "--grid", "own.yaml", "--out", "out") == 0
    report = (tmp_path / "out/report/report.md").read_text()
    assert all(name in report for name in ("mine", "hinge", "non_saturating"))
