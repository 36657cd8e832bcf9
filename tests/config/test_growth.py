"""`training.growth` in an experiment: what is refused, what it is worth in an identity."""

import json
from typing import Any

import pytest

from gancore.config import Experiment, load_experiment
from gancore.discovery import discover
from gancore.errors import ConfigError

GROWING: dict[str, Any] = {
    "data": {"use": "emoji", "resolution": 32},
    "generator": "skip",
    "discriminator": "skip",
    "training": {"growth": {"start": 8}},
}


def load(*changes: str) -> Experiment:
    return load_experiment(GROWING, changes)


REFUSED = {
    "training.growth.start=12": ("training.growth.start", "must be a power of two, got 12"),
    "training.growth.start=2": ("training.growth.start", "must be at least 4"),
    "training.growth.start=32": ("training.growth.start", "images grow by doubling from 32, which must lead up"),
    "training.growth={stable_kimg: 0, fade_kimg: 0}": ("training.growth", "stable_kimg and fade_kimg cannot both be 0"),
    "training.growth.batch={4: 16}": ("training.growth.batch.4", "does not pass through 4, but through 8, 16, 32"),
    "training.growth.lr={4: 0.1}": ("training.growth.lr.4", "does not pass through 4"),
    "training.growth.batch={8: 0}": ("training.growth.batch.8", "must be at least 1"),
    "training.growth.batches={8: 1}": ("training.growth.batches", "unknown key; did you mean 'batch'?"),
    "generator=residual": ("training.growth", "generator 'residual' cannot grow"),
    "discriminator=residual": ("training.growth", "discriminator 'residual' cannot grow"),
    "training.microbatch=24": ("training", "microbatch 24 must divide batch 32"),
}


@pytest.mark.parametrize("change", REFUSED)
def test_what_cannot_grow_is_refused(change: str) -> None:
    key, words = REFUSED[change]
    with pytest.raises(ConfigError) as caught:
        load(change)
    (problem,) = caught.value.problems
    assert problem.key == key
    assert words in problem.message
    assert problem.where == f"-o {change}" or problem.where == ""  # a default has no place


def test_the_refusal_names_networks_that_grow() -> None:
    with pytest.raises(ConfigError, match=r"choose generator .*skip"):
        load("generator=residual")


def test_a_microbatch_divides_every_batch_that_is_not_smaller() -> None:
    load("training.microbatch=16", "training.growth.batch={8: 128, 32: 8}")
    with pytest.raises(ConfigError, match=r"divide batch 24 of growth\.batch\.8 or be larger"):
        load("training.microbatch=16", "training.growth.batch={8: 24}")


def test_parts_are_asked_about_every_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    plugin = discover().get("generator", "skip").load()
    complaint = classmethod(lambda cls, cfg, context: [f"batch {context.batch}"] if context.batch != 6 else [])
    monkeypatch.setattr(plugin, "problems", complaint)
    with pytest.raises(ConfigError) as caught:
        load("training.growth.batch={8: 12, 16: 6}", "training.batch=3")
    assert [problem.message for problem in caught.value.problems] == ["batch 3", "batch 12"]


def test_it_survives_yaml_and_json() -> None:
    experiment = load("training.growth.batch={8: 64}", "training.growth.lr={16: 0.0015}")
    again = load_experiment(json.loads(json.dumps(experiment.to_dict())))
    assert again.training.growth == experiment.training.growth
    assert again.training.growth is not None
    assert again.training.growth.batch == {8: 64}


def test_what_came_later_is_no_part_of_an_identity_where_it_changes_nothing() -> None:
    """Experiments from before there was growing keep their identity."""
    assert not {"growth", "g_batches"} & load("training.growth=null").identity()["training"].keys()
    assert load().identity()["training"]["growth"]["start"] == 8
    assert load("training.growth=null").differences(load())


def test_tables_may_go_on_beyond_the_data() -> None:
    growth = load("training.growth.batch={32: 8, 64: 4}", "training.growth.lr={1024: 0.003}").training.growth
    assert growth is not None
    assert growth.batch == {32: 8, 64: 4}


def test_null_empties_a_table_of_an_extended_file() -> None:
    assert load("training.growth.batch={8: 64}", "training.growth.batch=null").training.growth.batch == {}
