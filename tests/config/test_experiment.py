"""What a file means when it is right: defaults, merging, overrides, changes of `use`, inheritance, round trips."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gancore.config import Experiment, load_experiment, with_changes
from gancore.errors import ConfigError, Problem
from gancore.registry import Registry

Load = Callable[..., Experiment]
Write = Callable[[str, str], Path]


def test_defaults(load: Load) -> None:
    experiment = load({"data": "emoji"})
    used = ["emoji", "skip", "demod", "residual", "none", "non_saturating", "adam"]
    assert [part.use for part in experiment.parts()] == used
    assert [part.key for part in experiment.parts()][2] == "generator.normalization"
    assert experiment.data.core.resolution == 32
    assert experiment.regularizers == {}
    assert experiment.augmentation is None
    assert experiment.training.batch == 32
    assert experiment.plugin_origins()["generator.skip"] == "fakes 1"


def test_name_is_that_of_the_file_unless_it_says_so(load: Load, write: Write) -> None:
    assert load(write("my first (1).yaml", "data: emoji\n")).name == "my-first-1"
    assert load(write("a.yaml", "name: b\ndata: emoji\n")).name == "b"
    assert load(write("c.yaml", "extends: a.yaml\n")).name == "c"
    assert load({"data": "emoji"}).name == "experiment"


def test_the_key_of_a_regularizer_is_the_plugin_unless_it_says_use(load: Load) -> None:
    section = {"r1": {"gamma": 1}, "late": {"use": "r1", "gamma": {"schedule": "table", "points": {0: 0, 100: 1}}}}
    experiment = load({"data": "emoji", "regularizers": section})
    assert {key: part.use for key, part in experiment.regularizers.items()} == {"r1": "r1", "late": "r1"}
    assert experiment.regularizers["late"].cfg.gamma.at(150) == 1
    assert load({"data": "emoji", "regularizers": {"path_length": {}, "main": "r1"}}).regularizers["main"].use == "r1"


BASE = """\
data: emoji
generator: {use: skip, mapping: {layers: 2}, filter: [1, 2, 1]}
regularizers: {r1: {gamma: 1}, path_length: {weight: 3}}
training: {kimg: 10, optimizer: {lr: {schedule: linear, start: 1, end: 0, to_kimg: 5}}}
"""


def test_extends_merges_mappings_and_replaces_lists_and_schedules(load: Load, write: Write) -> None:
    write("base.yaml", BASE)
    write("middle.yaml", "extends: base.yaml\ngenerator: {filter: [1, 1], channels: {max: 8}}\n")
    top = "extends: middle.yaml\nregularizers: {r1: null, path_length: {interval: 2}}\ntraining: {batch: 8, "
    experiment = load(write("top.yaml", top + "optimizer: {lr: {schedule: cosine, start: 2, end: 1, to_kimg: 3}}}\n"))
    generator = experiment.generator.cfg
    assert (generator.filter, generator.mapping.layers) == ((1, 1), 2)
    assert (generator.channels.max, generator.channels.base) == (8, 16384)
    assert {key: (p.cfg.weight, p.cfg.interval) for key, p in experiment.regularizers.items()} == {
        "path_length": (3, 2)
    }
    assert (experiment.training.kimg, experiment.training.batch) == (10, 8)
    assert experiment.training.optimizer.cfg.lr.schedule == "cosine"


@pytest.mark.parametrize("removed", ["null", "false"])
def test_a_regularizer_is_removed(removed: str, load: Load, write: Write) -> None:
    path = write("base.yaml", BASE)
    assert set(load(path, f"regularizers.r1={removed}").regularizers) == {"path_length"}
    assert load(path, "regularizers=null").regularizers == {}


def test_extends_is_relative_to_the_file_that_says_it(load: Load, write: Write) -> None:
    write("presets/base.yaml", "extends: deeper/base.yaml\n")
    write("presets/deeper/base.yaml", "data: emoji\nloss: non_saturating\n")
    top = write("mine/top.yaml", "extends: ../presets/base.yaml\n")
    assert load(top).data.use == "emoji"
    assert load(top).base == Path("mine")


def test_overrides(load: Load, write: Write) -> None:
    path = write("base.yaml", BASE)
    experiment = load(path, "training.kimg=2e1", "training.kimg=30", "data.mirror=true", "augmentation.use=ada")
    assert experiment.training.kimg == 30
    assert experiment.data.core.mirror is True
    assert experiment.augmentation is not None
    assert load(path, "augmentation={use: ada, kinds: [a, b]}").augmentation.cfg.kinds == ["a", "b"]
    assert load(path, "training.optimizer.lr=0.1").training.optimizer.cfg.lr == 0.1
    assert load(path, "training.optimizer.lr.end=0.5").training.optimizer.cfg.lr.end == 0.5
    assert load(path, "training.optimizer=sgd").training.optimizer.use == "sgd"
    assert load(path, "generator=skip").generator.cfg.mapping.layers == 2


def test_a_change_of_use_keeps_what_fits_and_lists_what_it_drops(load: Load, write: Write) -> None:
    path = write("base.yaml", BASE + "augmentation: ada\n")
    experiment = load(
        path,
        "generator=plain",
        "generator.normalization=none",
        "generator.channels.max=9",
        "regularizers.path_length=null",
    )
    assert experiment.generator.use == "plain"
    assert experiment.generator.cfg.channels.max == 9
    assert experiment.dropped == [
        "base.yaml:2: generator.mapping: dropped; generator 'plain' has no such option",
        "base.yaml:2: generator.filter: dropped; generator 'plain' has no such option",
    ]


def test_an_extending_file_may_change_use(load: Load, write: Write) -> None:
    write("base.yaml", BASE)
    text = "extends: base.yaml\nregularizers: null\ngenerator: {use: plain, normalization: none, width: 5}\n"
    experiment = load(write("top.yaml", text))
    assert experiment.generator.cfg.width == 5
    assert len(experiment.dropped) == 2
    with pytest.raises(ConfigError, match=r"^wrong.yaml:3: generator.wdth: unknown key; did you mean 'width'\?"):
        load(write("wrong.yaml", text.replace("width", "wdth")))


def test_options_beside_the_use_must_be_known(load: Load, write: Write) -> None:
    path = write("base.yaml", BASE)
    with pytest.raises(ConfigError, match=r"^-o generator.mapping.layers=3: generator.mapping: unknown key"):
        load(path, "generator.mapping.layers=3", "generator=plain", "generator.normalization=none", "regularizers=null")


def test_optimizers_change_use_like_parts(load: Load) -> None:
    mapping = {"data": "emoji", "training": {"optimizer": {"lr": 0.1, "betas": [0, 0.9]}}}
    experiment = load(mapping, "training.optimizer.use=sgd")
    assert experiment.training.optimizer.cfg.lr == 0.1
    assert experiment.dropped == ["training.optimizer.betas: dropped; optimizer 'sgd' has no such option"]


def test_inherited_options(load: Load) -> None:
    wide = {"data": "emoji", "generator": {"channels": {"base": 64}}}
    assert load(wide).discriminator.cfg.channels.base == 64
    own = {**wide, "discriminator": {"channels": {"base": 32}}}
    assert load(own).discriminator.cfg.channels.base == 32
    changed = with_changes(load(wide), {"generator.channels.base": 16})
    assert changed.discriminator.cfg.channels.base == 16
    with pytest.raises(ConfigError, match=r"\.channels would be that of generator\.channels, which does not fit"):
        load({**wide, "discriminator": "narrow"})


def test_changes_of_a_grid(load: Load, write: Write) -> None:
    experiment = load(write("base.yaml", BASE), "training.batch=8")
    cell = with_changes(
        experiment, {"generator.use": "plain", "generator.normalization": "none", "regularizers.path_length": None}
    )
    assert (cell.generator.use, cell.training.batch, cell.name) == ("plain", 8, "base")
    assert len(cell.dropped) == 2
    with pytest.raises(ConfigError, match=r"^cell 3: training\.batch: must be at least 1, got 0"):
        with_changes(experiment, {"training.batch": 0}, where="cell 3")


def test_differences(load: Load, write: Write) -> None:
    path = write("base.yaml", BASE)
    found = load(path).differences(load(path, "regularizers.r1=null", "generator.channels.max=8", "training.kimg=10.0"))
    assert list(map(str, found)) == [
        "generator.channels.max: 512 -> 8",
        "discriminator.channels.max: 512 -> 8",
        "regularizers.r1: {use: r1, gamma: 1, interval: 16} -> absent",
    ]


def test_data_paths_are_relative_to_the_file_also_from_a_run_folder(
    load: Load, write: Write, tmp_path: Path, registry: Registry
) -> None:
    experiment = load(write("mine/folder.yaml", "data: {use: folder, path: images, resolution: 32}\n"))
    assert experiment.base == Path("mine")
    saved = experiment.copied_into(tmp_path / "run")
    assert saved.to_dict()["data"]["path"] == "images"
    again = load_experiment(saved.to_dict(), registry=registry, base=tmp_path / "run")
    assert again.base == tmp_path / "mine"
    assert again.differences(experiment) == []


def test_importing_it_imports_no_torch() -> None:
    code = "import sys, gancore.config; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


numbers = st.integers(1, 1000) | st.floats(0.001, 1e6)
schedules = st.fixed_dictionaries(
    {"schedule": st.sampled_from(["linear", "cosine"]), "start": numbers, "end": numbers, "to_kimg": numbers}
) | st.fixed_dictionaries(
    {"schedule": st.just("table"), "points": st.dictionaries(numbers, numbers).map(lambda points: {0: 1, **points})}
)
channels = st.fixed_dictionaries({}, optional={"base": st.integers(1, 10**6), "max": st.integers(1, 512)})
parts = st.fixed_dictionaries(
    {"data": st.just("emoji") | st.fixed_dictionaries({"use": st.just("emoji"), "resolution": st.integers(4, 1024)})},
    optional={
        "name": st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,20}", fullmatch=True),
        "generator": st.fixed_dictionaries({}, optional={"channels": channels, "noise": st.booleans()}),
        "discriminator": st.fixed_dictionaries(
            {}, optional={"channels": channels, "weight_normalization": st.sampled_from(["spectral", None])}
        ),
        "regularizers": st.dictionaries(
            st.sampled_from(["r1", "r1e3", "yes"]),
            st.fixed_dictionaries({"use": st.just("r1")}, optional={"gamma": numbers | schedules}) | st.none(),
        ),
        "augmentation": st.none() | st.fixed_dictionaries({"use": st.just("ada"), "kinds": st.lists(st.text())}),
        "training": st.fixed_dictionaries(
            {}, optional={"kimg": numbers, "optimizer": st.fixed_dictionaries({}, optional={"lr": numbers | schedules})}
        ),
    },
)


@settings(deadline=None, max_examples=8)
@given(mapping=parts)
def test_a_resolved_experiment_is_a_fixed_point(registry: Registry, mapping: dict[str, Any]) -> None:
    experiment = load_experiment(mapping, registry=registry)
    again = load_experiment(experiment.to_dict(), registry=registry)
    assert again == experiment
    assert again.to_yaml() == experiment.to_yaml()
    through_json = load_experiment(json.loads(json.dumps(experiment.to_dict())), registry=registry)
    assert through_json == experiment


WORDS = """data generator regularizers training use normalization channels r1 gamma schedule optimizer lr emoji skip
plugins extends name format points resolution loss"""
names = st.sampled_from(WORDS.split())
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | names | st.text(max_size=5) | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names | st.integers() | st.text(), inner, max_size=5),
    max_leaves=20,
)


def problems_of(source: dict[Any, Any], overrides: list[str], registry: Registry) -> list[Problem]:
    """The mistakes that are found; none for an experiment. Anything but a ConfigError fails the test."""
    try:
        load_experiment(source, overrides, registry)
    except ConfigError as error:
        return error.problems
    return []


@settings(deadline=None, max_examples=50)
@given(mapping=st.dictionaries(names, anything, max_size=6))
def test_junk_raises_nothing_but_config_errors(registry: Registry, mapping: dict[Any, Any]) -> None:
    problems_of(mapping, [], registry)
    problems_of({**mapping, "data": "emoji"}, [], registry)


@settings(deadline=None, max_examples=50)
@given(key=names | st.text(max_size=8), inner=names, value=st.text(max_size=12))
def test_junk_in_overrides_raises_nothing_but_config_errors(
    registry: Registry, key: str, inner: str, value: str
) -> None:
    problems = problems_of({"data": "emoji"}, [f"{key}.{inner}={value}"], registry)
    assert all(problem.where.startswith("-o ") for problem in problems)
