"""The JSON Schema accepts what the loader accepts, and refuses what an editor can know to be wrong."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from gancore.config import Experiment
from gancore.config.schema import experiment_schema
from gancore.config.yaml.reader import read
from gancore.discovery import discover
from gancore.errors import ConfigError
from gancore.registry import Registry

BAD = Path(__file__).parent / "bad"
SHIPPED = sorted((Path(__file__).parents[2] / "experiments").rglob("*.yaml"))

BEYOND_A_SCHEMA = {
    "incompatible",  # what plugins require of each other
    "incompatible_regularizer",
    "size_does_not_fit",
    "batch_not_divided",
    "broken_plugin",
    "no_resolution",  # a dataset may have its own
    "option_missing",  # a file that extends another may leave it out
    "data_not_there",  # other files
    "plugin_file_missing",
    "plugin_kind_unknown",
    "extends_missing",
    "extends_list",
    "extends_text",
    "extends_nul",
    "extends_long",
    "extends_itself",
    "cycle_a",
    "cycle_b",
}


@pytest.fixture(scope="module")
def fake(registry: Registry) -> Draft202012Validator:
    return Draft202012Validator(experiment_schema(registry))


@pytest.fixture(scope="module")
def real() -> Draft202012Validator:
    return Draft202012Validator(experiment_schema(discover()))


def test_it_is_a_schema(fake: Draft202012Validator, real: Draft202012Validator) -> None:
    Draft202012Validator.check_schema(fake.schema)
    Draft202012Validator.check_schema(real.schema)


def test_every_plugin_is_in_it(real: Draft202012Validator) -> None:
    kinds = ["normalization", "generator", "discriminator", "regularizer", "loss", "augmentation", "dataset"]
    specs = [spec for kind in kinds for spec in discover().specs(kind)]
    assert {f"{spec.kind}.{spec.name}" for spec in specs} <= set(real.schema["$defs"])


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_experiments(path: Path, real: Draft202012Validator) -> None:
    assert [error.message for error in real.iter_errors(read(path).data)] == []


def readable(path: Path) -> Any:
    """What a bad file says; None when it is no YAML for us."""
    try:
        return read(path).data
    except ConfigError:
        return None


WRONG = [path for path in sorted(BAD.glob("*.yaml")) if readable(path) is not None and path.stem not in BEYOND_A_SCHEMA]


@pytest.mark.parametrize("path", WRONG, ids=lambda path: path.stem)
def test_bad_files_are_refused(path: Path, fake: Draft202012Validator) -> None:
    assert not fake.is_valid(json.loads(json.dumps(readable(path))))  # in JSON all keys are text


GOOD: list[dict[str, Any]] = [
    {"data": "emoji"},
    {"extends": "other.yaml"},
    {"extends": "other.yaml", "data": {"resolution": 64}, "generator": {"width": 3}},
    {"data": "emoji", "regularizers": {"r1": None, "path_length": False, "again": "r1", "more": {"use": "r1"}}},
    {"data": "emoji", "regularizers": {"r1": {"gamma": {"schedule": "linear", "start": 1, "end": 2, "to_kimg": 3}}}},
    {"data": "emoji", "discriminator": {"weight_normalization": "spectral"}, "augmentation": None},
    {"data": "emoji", "training": {"optimizer": "sgd", "generator_optimizer": {"lr": 0.1}}},
    {"data": "mine", "plugins": {"dataset": {"mine": "./mine.py:Mine"}}},
]


@pytest.mark.parametrize("mapping", GOOD, ids=str)
def test_good_files_are_accepted(mapping: dict[str, Any], fake: Draft202012Validator) -> None:
    assert [error.message for error in fake.iter_errors(mapping)] == []


def test_resolved_experiments_are_accepted(load: Callable[..., Experiment], fake: Draft202012Validator) -> None:
    resolved = load({"data": "emoji", "regularizers": {"r1": {}, "path_length": {}}, "augmentation": "ada"}).to_dict()
    assert [error.message for error in fake.iter_errors(resolved)] == []
