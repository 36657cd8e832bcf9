"""The table of options: what a Config declares is what is shown."""

from typing import Annotated, Literal

import pytest
from pydantic import Field

from gancore.cli.plugin_options import Option, describe
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
    Option("gamma", "float or schedule", 1.0, False, "> 0, <= 2", "weight"),
    Option("mode", "'clamp' or 'sigmoid'", "clamp", False, "", ""),
    Option("needed", "str", None, True, "", ""),
    Option("taps", "list of float >= 0, < 1", [0.5], False, "length >= 1", ""),
    Option("maybe", "int or none", None, False, "", ""),
    Option("inner.layers", "int", 2, False, ">= 1, <= 64", ""),
    Option("made", "list of int", [1], False, "", ""),
    Option("device", "str", "cpu", False, "matching ^cpu|cuda$", ""),
]


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda option: option.name)
def test_an_option_is_described(expected: Option):
    assert [option for option in describe(Outer) if option.name == expected.name] == [expected]


def test_options_come_in_the_order_of_declaration():
    assert [option.name for option in describe(Outer)] == [option.name for option in EXPECTED]
