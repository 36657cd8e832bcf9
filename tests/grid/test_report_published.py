"""Published numbers stand beside measured ones only where data, protocol and architecture are those of the paper."""

import copy
from pathlib import Path
from typing import Any

import pytest
from support.made_up_grids import NINE, D, G, cell, made_up

from gancore.config.sections.grid import GridConfig
from gancore.config.yaml.reader import parse
from gancore.config.yaml.scalars import dump
from gancore.discovery import discover
from gancore.grid.combinations import problems
from gancore.grid.published import published_tables
from gancore.grid.report.collect import results_of
from gancore.grid.report.markdown import as_markdown

FFHQ = "stylegan2-table2-ffhq"
DATA = {"resolution": 1024, "channels": 3, "label_dim": 0, "count": 70000, "sha256": "a" * 64}
CONFIG: dict[str, Any] = {
    "data": {"use": "folder", "resolution": 1024, "mirror": True},
    "generator": {"use": "skip", "normalization": {"use": "demod"}, "channels": {"base": 16384}},
    "discriminator": {"use": "residual", "normalization": {"use": "none"}, "channels": {"base": 16384}},
    "regularizers": {"r1": {"gamma": 100}},
    "training": {"kimg": 25000, "batch": 32},
}
PATH_LENGTH = "W, end points, no crop, epsilon 0.0001, float32, percentiles 1 to 99"
SCORES = {
    "fid": {"value": 3.5, "samples": 50000},
    "ppl2_wend": {"value": 120, "samples": 50000, "protocol": PATH_LENGTH},
}
NAME = cell("skip", "residual")


def report(
    path: Path, change: dict[str, Any] | None = None, published: str = FFHQ, scores: Any = None
) -> tuple[Any, str]:
    """A grid of which one cell is done, that of the paper but for a change of its experiment."""
    config, data = copy.deepcopy(CONFIG), dict(DATA)
    for key, value in (change or {}).items():
        *way, last = key.split(".")
        place = {"identity": data, "config": config}[way[0]]
        for step in way[1:]:
            place = place[step]
        place[last] = value
    about = {"state": "done", "at": 25000, "config": config, "data": data, "scores": scores or [SCORES]}
    grid = {**NINE, "published": published, "exclude": [{G: ["original", "residual"]}, {D: ["original", "skip"]}]}
    results = results_of(made_up(path, grid, {NAME: about}))
    return results.published, as_markdown(results)


def test_the_paper_s_cell_has_the_paper_s_numbers(tmp_path: Path) -> None:
    published, text = report(tmp_path, scores=[{"fid": {"value": 9, "samples": 50000}}, SCORES])
    assert published.cells == {NAME: {"fid": 3.31, "ppl2_wend": 125}}
    assert published.why_not == published.differences == []
    assert " 3.50 / 120.0 [3.31 / 125] |" in text[text.index("lowest-FID snapshot") :]
    assert "[3.31" not in text[: text.index("lowest-FID snapshot")]  # the paper reports that of the lowest FID


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"identity.resolution": 512}, "images: resolution is 512, in the paper 1024"),
        ({"identity.count": 1000}, "images: count is 1000, in the paper 70000"),
        ({"config.generator.normalization.use": "pin"}, "the table has no such cell"),
        ({"config.generator.use": "mine"}, "the table has no such cell"),
    ],
)
def test_other_images_or_networks_have_no_published_numbers(tmp_path: Path, change: Any, reason: str) -> None:
    published, text = report(tmp_path, change)
    assert published.cells == {}
    assert reason in published.why_not
    assert reason in text
    assert "3.31" not in text


@pytest.mark.parametrize(
    ("scores", "reason"),
    [
        ({"fid": {"value": 3, "samples": 5000}}, "fid: samples is 5000, in the paper 50000"),
        ({"fid[embedded]": {"value": 3, "samples": 50000}}, "fid[embedded] is seen through other features"),
        ({"ppl_wend": {"value": 3, "samples": 50000}}, "ppl2_wend with the standard features was not measured"),
        ({"ppl2_wend": {**SCORES["ppl2_wend"], "protocol": "epsilon 0.01"}}, "ppl2_wend: protocol is epsilon 0.01"),
    ],
)
def test_each_score_needs_its_own_protocol(tmp_path: Path, scores: Any, reason: str) -> None:
    published, text = report(tmp_path, scores=[scores])
    assert published.cells == {}
    assert any(reason in why for why in published.why_not)
    assert "3.31" not in text


def test_one_score_may_stand_without_the_other(tmp_path: Path) -> None:
    published, _ = report(tmp_path, scores=[{"fid": SCORES["fid"], "ppl2_wend": {"value": 1, "samples": 10}}])
    assert published.cells == {NAME: {"fid": 3.31}}


def test_another_training_is_shown_and_told(tmp_path: Path) -> None:
    published, text = report(tmp_path, {"config.training.kimg": 10000, "config.regularizers.r1.gamma": 10})
    assert published.cells[NAME]["fid"] == 3.31
    assert published.differences == [
        "training.kimg is 10000, in the paper 25000",
        "regularizers.r1.gamma is 10, in the paper 100",
    ]
    assert "Differences from the training in the paper" in text


def test_a_grid_that_names_no_table_has_none(tmp_path: Path) -> None:
    assert results_of(made_up(tmp_path, NINE, {})).published is None


def test_a_table_of_another_version_is_told(tmp_path: Path) -> None:
    published, text = report(tmp_path, published="table-of-2050")
    assert published.cells == {}
    assert "no published table 'table-of-2050'" in text


def test_a_misspelt_table_is_refused_before_anything_starts() -> None:
    section = {"seeds": [0], "published": "stylegan2-table2-ffqh"}
    (found,) = problems(GridConfig.model_validate(section), parse(dump({"grid": section}), "g.yaml"))
    assert str(found).startswith(
        "g.yaml:3: grid.published: no table of this name; did you mean 'stylegan2-table2-ffhq'?"
    )


# -- the file itself ------------------------------------------------------------------------------------------------


def test_table_2_is_complete() -> None:
    for name in ("stylegan2-table2-ffhq", "stylegan2-table2-car"):
        table = published_tables()[name]
        assert len({tuple(one.at.items()) for one in table.cells}) == 9
        assert all(set(one.scores) == {"fid", "ppl2_wend"} for one in table.cells)


def test_both_tables_agree_on_configuration_e() -> None:
    for data in ("ffhq", "car"):
        both = [
            next(one.scores for one in published_tables()[f"stylegan2-table{number}-{data}"].cells
                 if one.at[G] == "skip" and one.at[D] == "residual"
                 and one.at.get("generator.channels.base", 16384) == 16384)
            for number in (1, 2)
        ]  # fmt: skip
        assert both[0] == both[1]


def test_what_the_file_names_exists() -> None:
    """Metrics and their protocols, and the plugins that cells are made of."""
    registry = discover()
    for table in published_tables().values():
        assert table.scores.keys() >= {score for one in table.cells for score in one.scores}
        if protocol := table.scores.get("ppl2_wend", {}).get("protocol"):
            metric = registry.get("metric", "ppl2_wend").load()
            assert metric(metric.Config()).protocol == protocol
        for one in table.cells:
            for key, value in {**table.all, **one.at}.items():
                if key.endswith(".use"):
                    kind = "normalization" if "normalization" in key else key.partition(".")[0]
                    registry.get(kind, str(value))
