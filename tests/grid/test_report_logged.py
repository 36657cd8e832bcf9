"""Curves of logged values in a report, and the warning of an average that is slower than the training."""

import re
from pathlib import Path
from typing import Any

import pytest
from support.made_up_grids import G, made_up

from gancore.artifacts.log import LogLine
from gancore.artifacts.run import append_line
from gancore.grid.folder import GridFolder
from gancore.grid.report import logged
from gancore.grid.report.collect import results_of
from gancore.grid.report.remarks import remarks
from gancore.grid.report.write import write_report

TWO: dict[str, Any] = {"axes": {G: ["skip", "original"]}, "enough_kimg": 0}


def ticks(values: dict[int, float], name: str = "loss/G") -> list[LogLine]:
    return [LogLine(step=kimg, kimg=float(kimg), **{name: value}) for kimg, value in values.items()]


def grid(path: Path, values: dict[str, dict[str, float]]) -> GridFolder:
    """Two cells that logged these values at 1, 2 and 3 kimg; `at` is 0."""
    folder = made_up(path, TWO, {f"generator={g}": {"state": "done", "at": 0} for g in ("skip", "original")})
    for cell, scalars in values.items():
        for kimg in (1, 2, 3):
            line = {"step": kimg, "kimg": kimg} | {name: value * kimg for name, value in scalars.items()}
            append_line(folder.run(f"generator={cell}").log, line)
    return folder


def test_every_logged_value_is_a_curve_losses_first(tmp_path: Path) -> None:
    folder = grid(tmp_path / "g", {"skip": {"a/rho": 1.0, "loss/G": 2.0}, "original": {"loss/G": -1.0}})
    results = results_of(folder)
    figures = list(logged.figures_of_logs(results))
    assert [figure.title for figure in figures] == ["loss/G", "a/rho"]
    assert results.scalars["generator=skip"]["loss/G"] == [(1.0, 2.0), (2.0, 4.0), (3.0, 6.0)]
    assert [len(re.findall("<polyline", "".join(figure.panels))) for figure in figures] == [2, 1]
    write_report(folder, tmp_path / "report")
    page = (tmp_path / "report" / "report.html").read_text("utf-8")
    assert "Losses and other logged values" in page
    assert "scalars" not in (tmp_path / "report" / "results.json").read_text("utf-8")


def test_lines_are_thinned_to_medians_which_one_outlier_does_not_move() -> None:
    values = dict.fromkeys(range(1, 1001), 1.0) | {500: 1e9, 501: float(7)}
    (points,) = logged.scalars_of(ticks(values)).values()
    assert len(points) == logged.POINTS
    assert points[-1][0] == 1000
    assert {value for _, value in points} == {1.0}


def test_what_is_not_drawn_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logged, "MOST_FIGURES", 1)
    results = results_of(grid(tmp_path / "g", {"skip": {"b": 1.0, "loss/G": 2.0, "a": 3.0}}))
    assert [figure.title for figure in logged.figures_of_logs(results)] == ["loss/G"]
    assert logged.left_out(results) == "Not drawn: a, b, images_per_s."
    monkeypatch.setattr(logged, "MOST_CELLS", 1)
    assert list(logged.figures_of_logs(results)) == []
    assert "more than 1 cells" in logged.left_out(results)


@pytest.mark.parametrize(
    ("ema", "told"),
    [({"halflife_kimg": 11}, True), ({"halflife_kimg": 9}, False), ({"halflife_kimg": 11, "rampup": 0.05}, False)],
)
def test_an_average_slower_than_the_training_is_told(ema: dict[str, Any], told: bool, tmp_path: Path) -> None:
    from support.tiny import tiny_mapping

    config = tiny_mapping(training__ema=ema) | {"format": 1}
    about = {"state": "done", "at": 10, "config": config}  # the training of a made-up cell has 10 kimg
    folder = made_up(tmp_path / "g", TWO, {f"generator={g}": about for g in ("skip", "original")})
    assert ("Slow average" in {remark.title for remark in remarks(results_of(folder))}) == told
