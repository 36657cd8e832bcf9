"""Options that were added to plugins in use: whoever does not change them does not see them."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import Field
from support.tiny import tiny_experiment

from gancore.config.experiment import plain
from gancore.contracts import Later, PluginConfig
from gancore.errors import RunError
from gancore.training.run import train

AVERAGING = {"use": "residual", "halving": "average"}
SHORT: dict[str, Any] = {"data__resolution": 8, "regularizers": None, "training__kimg": 0.016}


class Inner(PluginConfig):
    depth: int = 1
    width: Later[int | None] = Field(None, ge=1)


class Config(PluginConfig):
    rate: float = 0.5
    inner: Inner = Inner()
    blocks: Later[tuple[int, ...]] = (1, 2)


def test_an_option_that_was_added_later_counts_where_it_says_something_new() -> None:
    assert plain(Config(), omit_later_defaults=True) == {"rate": 0.5, "inner": {"depth": 1}}
    assert plain(Config()) == {"rate": 0.5, "inner": {"depth": 1, "width": None}, "blocks": [1, 2]}
    assert plain(Config(blocks=(3,), inner=Inner(width=2)), omit_later_defaults=True) == {
        "rate": 0.5,
        "inner": {"depth": 1, "width": 2},
        "blocks": [3],
    }


def test_bounds_hold_as_without_the_mark() -> None:
    with pytest.raises(ValueError, match="greater than or equal to 1"):
        Inner(width=0)


def test_an_identity_has_options_of_plugins_only_where_they_change_what_was_done() -> None:
    assert "halving" not in tiny_experiment().identity()["discriminator"]
    assert "halving" in tiny_experiment(discriminator=AVERAGING).identity()["discriminator"]


def test_a_run_from_before_an_option_of_its_plugin_goes_on(tmp_path: Path) -> None:
    train(tiny_experiment(**SHORT), tmp_path / "run")
    config = tmp_path / "run" / "config.yaml"
    config.write_text(_without(config.read_text(), "halving", "labels: projection"))
    with pytest.raises(RunError, match=r"discriminator\.halving: - -> average"):
        train(tiny_experiment(**SHORT, discriminator=AVERAGING), tmp_path / "run")
    train(tiny_experiment(**SHORT | {"training__kimg": 0.024}), tmp_path / "run")
    assert (tmp_path / "run" / "checkpoint-000000.024.safetensors").exists()


def _without(text: str, *options: str) -> str:
    """The lines of a YAML file that hold no such option; each has a line of its own."""
    lines = text.splitlines(keepends=True)
    kept = [line for line in lines if not line.strip().startswith(options)]
    assert len(lines) - len(kept) == len(options)
    return "".join(kept)
