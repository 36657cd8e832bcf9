"""The table of options: what a Config declares is what is shown."""

from typing import Annotated, Literal

import pytest
from pydantic import Field

from gancore.cli.plugin_options import Option, table
from gancore.config.describe import describe
from gancore.options import PluginConfig, Scheduled, within


class Inner(PluginConfig):
    layers: int = Field(8, ge=1, le=64)


class Outer(PluginConfig):
    gamma: Annotated[Scheduled, within(gt=0, le=2)] = Field(1.0, description="weight")
    mode: Literal["clamp", "sigmoid"] = "clamp"
    needed: str
    taps: tuple[Annotated[float, Field(ge=0, lt=1)], ...] = Field((0.5,), strict=False, min_length=1)
    maybe: int | None = None
    inner: Inner = Inner(layers=2)
    made: list[int] = Field(default_factory=lambda: [1])
    device: str = Field("cpu", pattern="^cpu|cuda$")


EXPECTED = [
    Option("gamma", describe(Scheduled), 1.0, False, "> 0, <= 2", "weight"),
    Option("mode", "'clamp' or 'sigmoid'", "clamp", False, "", ""),
    Option("needed", "text", None, True, "", ""),
    Option("taps", "a list, each item a number", [0.5], False, "length >= 1", ""),
    Option("maybe", "a whole number or null", None, False, "", ""),
    Option("inner.layers", "a whole number", 2, False, ">= 1, <= 64", ""),
    Option("made", "a list, each item a whole number", [1], False, "", ""),
    Option("device", "text", "cpu", False, "matching ^cpu|cuda$", ""),
]


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda option: option.name)
def test_an_option_is_shown(expected: Option):
    assert [option for option in table(Outer) if option.name == expected.name] == [expected]


def test_options_come_in_the_order_of_declaration():
    assert [option.name for option in table(Outer)] == [option.name for option in EXPECTED]
