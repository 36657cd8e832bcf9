"""Names and combinations of a grid, before anything is known of what its keys mean."""

from pathlib import Path
from typing import Any

import pytest
from support.grid_files import write_grid

from gancore.config import load_experiment
from gancore.config.sections.grid import GridConfig
from gancore.config.yaml.document import Document
from gancore.errors import ConfigError, RunError
from gancore.grid.combinations import combinations_of, problems, short_names
from gancore.grid.folder import GridFolder

G, D = "generator.use", "discriminator.use"


def grid(**section: Any) -> GridConfig:
    return GridConfig.model_validate(section)


def names(**section: Any) -> list[str]:
    return [one.name for one in combinations_of(grid(**section))]


def test_every_combination_has_a_name_of_its_own() -> None:
    found = names(axes={G: ["original", "skip"], D: ["skip", "residual"]}, seeds=[0, 7])
    assert found[:3] == [
        "generator=original_discriminator=skip_seed=0",
        "generator=original_discriminator=skip_seed=7",
        "generator=original_discriminator=residual_seed=0",
    ]
    assert len(set(found)) == 8


def test_a_rule_excludes_where_all_of_it_holds() -> None:
    axes = {G: ["original", "skip"], D: ["original", "skip", "residual"]}
    kept = names(axes=axes, exclude=[{G: "original", D: ["skip", "residual"]}, {G: "skip", D: "original"}])
    assert kept == [
        "generator=original_discriminator=original",
        "generator=skip_discriminator=skip",
        "generator=skip_discriminator=residual",
    ]


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([None, {"weight": 2}], ["null", "weight-2"]),
        ([{"use": "pin", "rho": 1}, {"use": "demod"}], ["pin", "demod"]),
        ([{"use": "pin", "rho": 1}, {"use": "pin", "rho": 0}], ["use-pin-rho-1", "use-pin-rho-0"]),
        ({"small": {"base": 64}, "large/x": {"base": 128}}, ["small", "large-x"]),
        ([0.5, True, "a b"], ["0.5", "true", "a-b"]),
    ],
)
def test_labels_of_values(values: Any, labels: list[str]) -> None:
    assert [point.labels["some.key"] for point in combinations_of(grid(axes={"some.key": values}))] == labels


def test_axes_are_named_as_short_as_tells_them_apart() -> None:
    assert short_names({"generator.normalization": 0, "discriminator.use": 0, "training.seed": 0}) == {
        "generator.normalization": "normalization",
        "discriminator.use": "discriminator",
        "training.seed": "seed",
    }
    both = {"generator.normalization": "generator.normalization", "discriminator.normalization": 0}
    assert list(short_names(both).values()) == ["generator.normalization", "discriminator.normalization"]
    assert list(short_names({"generator": 0, "generator.use": 0}).values()) == ["generator", "generator.use"]


def test_long_names_are_cut_and_stay_different() -> None:
    found = names(axes={"some.key": ["x" * 300 + end for end in "ab"]})
    assert all(len(name) <= 150 for name in found)
    assert len(set(found)) == 2


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({}, "a grid needs `axes` or `seeds`"),
        (
            {"axes": {G: ["a"]}, "exclude": [{"generator.us": "a"}]},
            "no axis of this grid; did you mean 'generator.use'",
        ),
        ({"axes": {G: ["a"]}, "exclude": [{G: "b"}]}, "no value of this axis: b; known: a"),
        ({"axes": {G: ["a"]}, "exclude": [{G: "a"}]}, "leaves no cell"),
        ({"axes": {G: ["a b", "a-b"]}}, "another value of this axis is called 'a-b' too"),
    ],
)
def test_mistakes(section: dict[str, Any], message: str) -> None:
    (problem,) = problems(grid(**section), Document({}, {}))
    assert message in str(problem)


@pytest.mark.parametrize(
    ("grid", "count"),
    [
        ({"axes": {f"axis{i}": list(range(10)) for i in range(7)}}, "10,000,000"),
        ({"axes": {"a": list(range(100))}, "seeds": list(range(101))}, "10,100"),
        ({"seeds": list(range(10_001))}, "10,001"),
    ],
)
def test_too_many_cells_are_refused_before_one_is_made(
    tmp_path: Path, grid: dict[str, Any], count: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gancore.grid.combinations.Combination", None)
    file = write_grid(tmp_path / "g.yaml", {**grid, "exclude": [{"axis0": list(range(9))}]})
    words = rf"{count} combinations of axes and seeds \(before `exclude`\); at most 10,000 are allowed"
    with pytest.raises(ConfigError, match=rf"g\.yaml:\d+: grid: {words}"):
        load_experiment(file)
    folder = GridFolder(tmp_path)
    folder.file.write_text(file.read_text())
    with pytest.raises(RunError, match=rf"grid\.yaml: not the file of a grid: .*{words}"):
        folder.combinations()
