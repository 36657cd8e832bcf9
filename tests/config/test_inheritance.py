"""Options from before a change of `use`: those that mean the same stay, all others are dropped and listed."""

from typing import Any

import pytest
from pydantic import Field

from gancore.config import Experiment, load_experiment
from gancore.config.inheritance import means_another
from gancore.options import PluginConfig

ADA = {"data": "emoji", "augmentation": {"use": "ada", "cutout": 1, "target": 0.5}}


class Section(PluginConfig):
    size: int = 1


class Before(PluginConfig):
    share: float = Field(0.5, description="of the images")
    taps: tuple[float, ...] | None = Field(None, description="of a filter")
    inner: Section = Field(Section(), description="in other words")
    gone: int = 1


class After(PluginConfig):
    share: float = Field(0.5, description="of the pixels")
    taps: tuple[float, ...] = Field((1.0,), description="of a filter")
    inner: Section = Section()
    new: int = 1


class Reworked(PluginConfig):
    share: float = Field(0.1, ge=0, description="of the images")


def load(mapping: dict[str, Any], *overrides: str) -> Experiment:
    return load_experiment(mapping, overrides)


@pytest.mark.parametrize(("name", "another"), [("share", True), ("taps", True), ("inner", False), ("gone", False)])
def test_type_and_description_tell_meanings_apart(name: str, another: bool) -> None:
    assert means_another(name, Before, After) is another
    assert not means_another(name, Before, Before)


def test_another_default_or_bound_is_no_other_meaning() -> None:
    assert not means_another("share", Before, Reworked)


def test_a_number_does_not_become_another_quantity() -> None:
    """In ada cutout is a relative probability, in diffaug a side."""
    experiment = load(ADA, "augmentation.use=diffaug")
    assert experiment.augmentation is not None
    assert experiment.augmentation.cfg.cutout == 0.5
    assert [line.partition(": dropped; ")[::2] for line in experiment.dropped] == [
        ("augmentation.cutout", "augmentation 'diffaug' means something else by it"),
        ("augmentation.target", "augmentation 'diffaug' has no such option"),
    ]


def test_what_is_written_with_the_use_is_meant_for_it() -> None:
    experiment = load(ADA, "augmentation={use: diffaug, cutout: 0.25}")
    assert experiment.augmentation is not None
    assert experiment.augmentation.cfg.cutout == 0.25


def test_back_and_forth_keeps_what_was_written_first() -> None:
    for overrides in (["augmentation.use=diffaug", "augmentation.use=ada"], ["augmentation.use=ada"]):
        experiment = load(ADA, *overrides)
        assert experiment.augmentation is not None
        assert experiment.augmentation.cfg.cutout == 1
        assert experiment.dropped == []


def test_networks_of_one_family_share_their_options() -> None:
    asked = {"data": "emoji", "generator": {"use": "skip", "z_dim": 7, "resample_filter": [1, 1], "noise": "channel"}}
    generator = load(asked, "generator.use=residual").generator.cfg
    assert (generator.z_dim, generator.resample_filter, generator.noise) == (7, (1.0, 1.0), "channel")


def test_the_default_plugin_is_a_plugin_too() -> None:
    """The normalization of an experiment that names none has options of its own as well."""
    asked = {"data": "emoji", "generator": {"normalization": {"eps": 1e-3}}}
    assert load(asked).generator.normalization.use == "demod"
    switched = load(asked, "generator.normalization.use=adain")
    assert switched.generator.normalization.cfg.eps == 1e-8
    assert len(switched.dropped) == 1


def test_what_was_no_plugin_before_is_no_matter_after() -> None:
    experiment = load({"data": "emoji", "augmentation": {"use": ["ada"], "cutout": 0.25}}, "augmentation.use=diffaug")
    assert experiment.augmentation is not None
    assert experiment.augmentation.cfg.cutout == 0.25
