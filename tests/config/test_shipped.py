"""The experiments that come with gancore are right, whatever plugins are installed beside its own."""

import contextlib
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from gancore.cli.plugin_options import table
from gancore.config import load_experiment
from gancore.config.describe import SELECTORS
from gancore.config.experiment import plain
from gancore.config.sections.data import DataKeys
from gancore.config.sections.experiment import Sections
from gancore.config.sections.training import TrainingConfig
from gancore.config.slots import reserved
from gancore.discovery import discover
from gancore.options import CosineSchedule, LinearSchedule, TableSchedule
from gancore.presets import preset_names
from gancore.registry import PluginSpec

ROOT = Path(__file__).parents[2]
SHIPPED = [*map(str, sorted((ROOT / "experiments").rglob("*.yaml"))), *(f"preset:{name}" for name in preset_names())]


def test_there_are_some() -> None:
    assert SHIPPED


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.removeprefix(str(ROOT)))
def test_shipped_experiment(path: str) -> None:
    experiment = load_experiment(path)
    assert experiment.dropped == []
    assert load_experiment(experiment.to_dict()) == experiment
    assert experiment.differences(load_experiment(experiment.to_dict())) == []


@pytest.mark.parametrize("spec", discover().specs(), ids=lambda spec: f"{spec.kind}.{spec.name}")
def test_no_option_is_named_like_a_key_of_the_core(spec: PluginSpec) -> None:
    assert not set(spec.load().Config.model_fields) & reserved(spec.kind)


@pytest.mark.parametrize("spec", discover().specs(), ids=lambda spec: f"{spec.kind}.{spec.name}")
def test_every_option_is_described(spec: PluginSpec) -> None:
    assert [option.name for option in table(spec.load().Config) if not option.doc] == []


@pytest.mark.parametrize("config", [TrainingConfig, DataKeys, Sections, LinearSchedule, CosineSchedule, TableSchedule])
def test_every_key_of_the_core_is_described(config: type[BaseModel]) -> None:
    assert [option.name for option in table(config) if not (option.doc or option.name in SELECTORS)] == []


@pytest.mark.parametrize("spec", discover().specs(), ids=lambda spec: f"{spec.kind}.{spec.name}")
def test_defaults_are_valid(spec: PluginSpec) -> None:
    config = spec.load().Config
    with contextlib.suppress(ValidationError):  # some need something to be said
        assert config.model_validate(plain(config())) == config()
