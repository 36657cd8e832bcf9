"""Cells are checked all at once, and known by what they would compute."""

from pathlib import Path
from typing import Any

import pytest
from support.grid_files import load_grid

from gancore.config import load_experiment
from gancore.config.identity import of_result
from gancore.errors import ConfigError
from gancore.grid.cells import cells_of, identified

DATA = {"sha256": "abc"}
LOCAL = "from gancore.contracts import Loss\n\n\nclass Mine(Loss):\n    pass\n"


def identity(tmp_path: Path, images: dict[str, Any] = DATA, **changes: Any) -> str:
    experiment = load_grid(tmp_path / "g.yaml", {"axes": {"generator.use": ["skip"]}}, **changes)
    return of_result(cells_of(experiment)[0].experiment, images).short


def test_cells_are_experiments_of_their_own(tmp_path: Path) -> None:
    axes = {"generator.use": ["skip", "original"], "generator.channels": {"wide": {"max": 16}, "narrow": {"max": 4}}}
    cells = cells_of(load_grid(tmp_path / "grid.yaml", {"axes": axes, "seeds": [3]}))
    found = [(c.experiment.generator.use, c.experiment.to_dict()["generator"]["channels"]["max"]) for c in cells]
    assert found == [("skip", 16), ("skip", 4), ("original", 16), ("original", 4)]
    assert all(cell.experiment.training.seed == 3 and cell.experiment.grid is None for cell in cells)


def test_all_mistakes_at_once_each_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "grid.yaml"
    file.write_text(
        "data: {use: emoji, resolution: 16, fit: resize}\n"
        "grid:\n"
        "  axes:\n"
        "    generator.use:\n"
        "    - skip\n"
        "    - skpi\n"
        "    training.batch: [8, -1]\n"
    )
    with pytest.raises(ConfigError) as caught:
        cells_of(load_experiment(file))
    first, second = str(caught.value).splitlines()
    assert first.startswith(f"{file}:7: training.batch: must be at least 1, got -1 (in 2 cells")
    assert second.startswith(f"{file}:6: generator")
    assert "did you mean 'skip'?" in second


def test_what_does_not_fit_together_is_found_before_anything_starts(tmp_path: Path) -> None:
    axes = {"generator.normalization": ["demod", "spectral"]}
    with pytest.raises(ConfigError, match="'spectral' normalizes weights"):
        cells_of(load_grid(tmp_path / "grid.yaml", {"axes": axes}))


def test_twins_are_refused(tmp_path: Path) -> None:
    axes = {"generator": {"one": {"use": "skip"}, "two": {"use": "skip", "normalization": "demod"}}}
    with pytest.raises(ConfigError, match="generator=two is the same experiment as generator=one"):
        cells_of(load_grid(tmp_path / "grid.yaml", {"axes": axes}))


def test_identity_is_not_changed_by_name_device_and_place(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    same = identity(tmp_path)
    assert identity(tmp_path, name="other") == same
    assert identity(tmp_path, training__device="auto") == same
    assert identity(tmp_path / "elsewhere") == same
    folder = {"data": {"use": "folder", "path": "a", "resolution": 16}}
    other = {"data": {"use": "folder", "path": "b", "resolution": 16}}
    assert identity(tmp_path, **folder) == identity(tmp_path, **other)


@pytest.mark.parametrize(
    "changes",
    [{"training__kimg": 0.5}, {"training__seed": 1}, {"loss": "hinge"}, {"training__threads": 2}],
)
def test_identity_is_changed_by_everything_else(tmp_path: Path, changes: dict[str, Any]) -> None:
    assert identity(tmp_path, **changes) != identity(tmp_path)


def test_identity_is_changed_by_other_images(tmp_path: Path) -> None:
    assert identity(tmp_path, {"sha256": "xyz"}) != identity(tmp_path)


def test_identity_knows_local_plugins_by_their_content(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    file = tmp_path / "mine.py"
    changes = {"plugins": {"loss": {"mine": "./mine.py:Mine"}}, "loss": "mine"}
    file.write_text(LOCAL)
    before = identity(tmp_path, **changes)
    (tmp_path / "elsewhere" / "mine.py").write_text(LOCAL)
    assert identity(tmp_path / "elsewhere", **changes) == before
    file.write_text(LOCAL + "# changed\n")
    assert identity(tmp_path, **changes) != before


def test_data_that_cannot_be_opened_are_a_flaw_of_their_cells_only(tmp_path: Path) -> None:
    axes = {"data": {"emoji": {"use": "emoji"}, "missing": {"use": "folder", "path": "nowhere"}}}
    good, bad = identified(cells_of(load_grid(tmp_path / "grid.yaml", {"axes": axes})))
    assert good.flaw is None
    assert good.data is not None
    assert bad.identity is None
    assert "nowhere" in str(bad.flaw)


def test_cells_may_extend_other_files(tmp_path: Path) -> None:
    (tmp_path / "rows").mkdir()
    (tmp_path / "base.yaml").write_text("loss: hinge\ntraining: {batch: 4, kimg: 7}\n")
    (tmp_path / "rows" / "one.yaml").write_text("extends: ../base.yaml\nname: one\ntraining: {d_steps: 2}\n")
    (tmp_path / "grid.yaml").write_text(
        "name: rows\n"
        "data: {use: emoji, resolution: 16, fit: resize}\n"
        "training: {kimg: 1}\n"
        "grid: {axes: {extends: {one: rows/one.yaml, plain: null}, training.d_steps: [2, 3]}}\n"
    )
    cells = {cell.name: cell.experiment for cell in cells_of(load_experiment(tmp_path / "grid.yaml"))}
    one = cells["extends=one_d_steps=3"]
    assert (one.loss.use, one.training.batch) == ("hinge", 4)
    assert one.training.kimg == 1  # what the grid's file says is above what is extended
    assert one.training.d_steps == 3  # and another axis above both
    assert cells["extends=plain_d_steps=2"].loss.use == "non_saturating"


def test_a_file_to_extend_that_is_not_there(tmp_path: Path) -> None:
    file = tmp_path / "grid.yaml"
    file.write_text(
        "data: {use: emoji, resolution: 16, fit: resize}\ngrid:\n  axes:\n    extends:\n      one: none.yaml\n"
    )
    with pytest.raises(ConfigError) as caught:
        cells_of(load_experiment(file))
    assert str(caught.value) == f"{file}:5: extends: there is no file {tmp_path / 'none.yaml'}"


def test_an_axis_can_be_given_as_an_override(tmp_path: Path) -> None:
    load_grid(tmp_path / "g.yaml", {"axes": {"generator.use": ["skip"]}})
    override = "grid.axes.generator.use=[original, residual]"
    cells = cells_of(load_experiment(tmp_path / "g.yaml", [override]))
    assert [cell.experiment.generator.use for cell in cells] == ["original", "residual"]


EVALUATION = {"features": "embedded", "metrics": ["fid", "ppl2_wend"]}


def rules(tmp_path: Path, *metrics: str, **evaluation: Any) -> str:
    """What is said of rules on these metrics; nothing where they are right."""
    stop_early = [{"metric": metric, "after_kimg": 1, "worse_than": 2} for metric in metrics]
    grid = {"seeds": [0, 1], "stop_early": stop_early}
    try:
        cells_of(load_grid(tmp_path / "g.yaml", grid, evaluation={**EVALUATION, **evaluation}))
    except ConfigError as error:
        return str(error)
    return ""


def test_a_rule_names_a_score_or_its_metric(tmp_path: Path) -> None:
    assert not rules(tmp_path, "fid", "fid[embedded]", "ppl2_wend")
    assert not rules(tmp_path, "recall", "precision[embedded]", metrics=["precision_recall"])
    bf16 = {"use": "inception", "precision": "bf16"}
    assert not rules(tmp_path, "fid[inception-bf16]", "fid", metrics=[{"use": "fid", "features": bf16}])


def test_a_rule_that_could_never_hold_is_refused(tmp_path: Path) -> None:
    said = rules(tmp_path, "fid", "nonsense", "precision")
    assert [line.split(": ")[1] for line in said.splitlines()] == [
        "grid.stop_early.1.metric",
        "grid.stop_early.2.metric",
    ]
    assert said.startswith(f"{tmp_path / 'g.yaml'}:")
    assert "the scores of these cells will be fid[embedded], ppl2_wend[embedded]" in said
    assert "or more than one" in rules(
        tmp_path, "fid", metrics=["fid", {"use": "fid", "features": {"use": "timm", "model": "resnet18"}}]
    )
