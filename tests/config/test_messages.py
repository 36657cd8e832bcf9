"""What pydantic finds, in words that a person can use: one line for each key."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, ValidationError, field_validator

from gancore.config.describe import describe
from gancore.config.messages import mistakes
from gancore.options import PluginConfig, Scheduled, within
from gancore_plugins.optimizers.adam import Adam


class Inner(PluginConfig):
    layers: int = Field(8, ge=1, le=16)


class Options(PluginConfig):
    gamma: Annotated[Scheduled, within(ge=0)] = 10
    maybe: Scheduled | None = None
    auto: int | Literal["auto"] = 1
    mode: Literal["clamp", "fixed"] = "clamp"
    pair: tuple[int, int] = Field((1, 2), strict=False)
    noise: bool = True
    inner: Inner = Inner()
    numbers: list[float] = Field([1], min_length=1)
    even: int = Field(4, multiple_of=2)
    odd: int = 1
    text: str = "a"

    @field_validator("odd")
    @classmethod
    def _odd(cls, value: int) -> int:
        if value % 2 == 0:
            raise ValueError("must be odd")
        return value


SCHEDULE = "a number or a schedule {schedule: linear|cosine|table, ...}"

CASES: list[tuple[dict[Any, Any], str, str]] = [
    ({"gamma": "lots"}, "gamma", f"expected {SCHEDULE}, got 'lots'"),
    ({"gamma": True}, "gamma", f"expected {SCHEDULE}, got true"),
    ({"gamma": -1}, "gamma", "must be greater than or equal to 0 throughout, got -1"),
    ({"gamma": {"schedule": "line"}}, "gamma.schedule", "'line' is unknown; did you mean 'linear'? known: cosine"),
    ({"gamma": {"start": 1}}, "gamma", f"expected {SCHEDULE}, got a mapping"),
    ({"gamma": {"schedule": "table", "points": {0: 1, 5: "x"}}}, "gamma.points.5", "expected a number, got 'x'"),
    ({"gamma": {"schedule": "table", "points": {0: 1, "x": 5}}}, "gamma.points.x", "this key must be a valid number"),
    ({"gamma": {"schedule": "table", "points": {1: 1}}}, "gamma", "the first point must be at kimg 0"),
    ({"maybe": [1]}, "maybe", f"expected {SCHEDULE} or null, got a list"),
    ({"maybe": float("nan")}, "maybe", "must be a finite number, got nan"),
    ({"auto": "x"}, "auto", "expected a whole number or 'auto', got 'x'"),
    ({"mode": "clip"}, "mode", "expected 'clamp' or 'fixed', got 'clip'"),
    ({"pair": [1]}, "pair", "too short; expected a list of 2 values, [a whole number, a whole number]"),
    ({"pair": [1, 2, 3]}, "pair", "must have at most 2 items, got a list"),
    ({"pair": [1, "2"]}, "pair.1", "expected a whole number, got '2'"),
    ({"noise": "on"}, "noise", "expected true or false, got 'on'"),
    ({"inner": 3}, "inner", "expected a mapping, got 3"),
    ({"inner": {"layer": 3}}, "inner.layer", "unknown key; did you mean 'layers'? known: layers"),
    ({"inner": {"layers": 17}}, "inner.layers", "must be at most 16, got 17"),
    ({"numbers": []}, "numbers", "must have at least 1 items, got a list"),
    ({"numbers": 1}, "numbers", "expected a list, each item a number, got 1"),
    ({"even": 3}, "even", "must be a multiple of 2, got 3"),
    ({"odd": 2}, "odd", "must be odd, got 2"),
    ({"text": 3}, "text", "expected text, got 3"),
    ({"text": None}, "text", "expected text, got null"),
    ({"gama": 1}, "gama", "unknown key; did you mean 'gamma'? known: auto, even"),
    ({1: 1}, "1", "a key must be a name, got 1"),
]


def found(model: type[PluginConfig], value: Any) -> list[tuple[str, str]]:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(value)
    return [(".".join(map(str, m.keys)), m.message) for m in mistakes(caught.value, model, value)]


@pytest.mark.parametrize(("value", "key", "words"), CASES, ids=str)
def test_words(value: dict[Any, Any], key: str, words: str) -> None:
    ((where, message),) = found(Options, value)
    assert where == key
    assert message.startswith(words)


def test_several_mistakes_below_one_key() -> None:
    value = {"gamma": {"schedule": "linear", "start": "x", "extra": 1}}
    assert found(Options, value) == [
        ("gamma.start", "expected a number, got 'x'"),
        ("gamma", "end is missing; expected a number"),
        ("gamma", "to_kimg is missing; expected a number"),
        ("gamma.extra", "unknown key; known: end, from_kimg, schedule, start, to_kimg"),
    ]


def test_bounds_of_schedules_hold_throughout() -> None:
    assert found(Adam.Config, {"betas": [0, 1.5]}) == [("betas.1", "must be less than 1 throughout, got 1.5")]
    late = {"schedule": "linear", "start": 1, "end": -1, "to_kimg": 5}
    assert found(Options, {"gamma": late}) == [("gamma", "must be greater than or equal to 0 throughout")]


def test_describe() -> None:
    assert describe(dict[str, int] | None) == "a mapping or null"
