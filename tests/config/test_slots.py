"""The table of slots: everything that must know a slot follows it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from gancore.cli import main
from gancore.config import load_experiment, slots
from gancore.config.schema import experiment_schema
from gancore.config.sections.experiment import Sections
from gancore.config.slots import SLOTS, TOP, Slot, reserved, slot_at, written
from gancore.discovery import discover
from gancore.errors import ConfigError
from gancore.kinds import KINDS
from gancore.registry import Registry

PROJECTION = Slot(("discriminator", "projection"), "loss", "an example of one slot more", optional=True)


def test_slots_are_of_kinds_that_there_are() -> None:
    assert {slot.kind for slot in SLOTS} - {None} <= set(KINDS)
    assert len({slot.keys for slot in SLOTS}) == len(SLOTS)


def test_every_section_for_plugins_is_in_the_table() -> None:
    others = {"format", "name", "extends", "plugins", "init_from", "training", "evaluation", "grid"}
    assert set(Sections.model_fields) - others == set(TOP)


def test_places_of_a_resolved_experiment_are_its_parts() -> None:
    experiment = load_experiment("preset:stylegan2-F", ["augmentation=ada", "evaluation.metrics=[fid]"])
    found = {".".join(map(str, keys)) for keys, slot in written(experiment.to_dict()) if slot.kind}
    null = {"generator.weight_normalization", "discriminator.weight_normalization", "evaluation.metrics.0.features"}
    null |= {"training.generator_optimizer", "training.discriminator_optimizer"}
    parts = {part.key for part in experiment.parts()}
    assert found - null == parts - {"evaluation.metrics.0.features"}
    assert all(part.slot == slot_at(tuple(part.key.split("."))) for part in experiment.parts())


@pytest.fixture
def one_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "SLOTS", (*SLOTS, PROJECTION))


@pytest.mark.usefixtures("one_more")
def test_a_slot_more_is_one_entry(load: Callable[..., Any], registry: Registry) -> None:
    plain: dict[str, Any] = {"data": "emoji"}
    for chosen in ("non_saturating", {"use": "non_saturating"}):
        experiment = load(plain | {"discriminator": {"use": "residual", "projection": chosen}})
        part = experiment.discriminator.inside["projection"]
        assert (part.key, part.use) == ("discriminator.projection", "non_saturating")
        assert part in experiment.parts()
        assert load(experiment.to_dict()) == experiment
    assert load(plain).discriminator.inside["projection"] is None
    assert load(plain).to_dict()["discriminator"]["projection"] is None
    with pytest.raises(
        ConfigError, match=r"discriminator\.projection: loss 'saturating' is unknown; did you mean 'non_saturating'"
    ):
        load(plain | {"discriminator": {"projection": "saturating"}})
    with pytest.raises(ConfigError, match=r"discriminator\.projection\.x: unknown key"):
        load(plain | {"discriminator": {"projection": {"use": "non_saturating", "x": 1}}})
    assert "projection" in reserved("discriminator")

    schema = Draft202012Validator(experiment_schema(registry))
    assert schema.is_valid(plain | {"discriminator": {"projection": "non_saturating"}})
    assert schema.is_valid(plain | {"discriminator": {"projection": None}})
    assert not schema.is_valid(plain | {"discriminator": {"projection": "saturating"}})


@pytest.mark.usefixtures("one_more")
def test_a_slot_more_is_cited(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("data: {use: emoji, resolution: 32}\ndiscriminator: {projection: hinge}\n")
    paper = discover().get("loss", "hinge").paper
    assert main(["cite", str(file), "--json"]) == 0
    told = {row["paper"]: row["parts"] for row in json.loads(capsys.readouterr().out)}
    assert "loss hinge" in told[paper]
