"""The mistakes that pydantic finds, in plain words: one for each key, even if it could have several types."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gancore.config.describe import describe, expected_at, known_keys
from gancore.config.yaml.document import Keys, child, find
from gancore.config.yaml.reader import NO_SPACE
from gancore.errors import did_you_mean

BOUNDS = {
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be greater than {gt}",
    "less_than_equal": "must be at most {le}",
    "less_than": "must be less than {lt}",
    "multiple_of": "must be a multiple of {multiple_of}",
    "too_short": "must have at least {min_length} items",
    "too_long": "must have at most {max_length} items",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": "must match {pattern}",
    "finite_number": "must be a finite number",
}


@dataclass(frozen=True)
class Mistake:
    """A mistake at a key below the mapping that was checked; `unknown`: there is no such option."""

    keys: Keys
    message: str
    unknown: bool = False


def mistakes(
    error: ValidationError, model: type[BaseModel], value: Any, also_known: Iterable[str] = ()
) -> list[Mistake]:
    """The mistakes of `value` as a `model`; `also_known` are keys beside it that belong to the core."""
    groups: dict[Keys, list[ErrorDetails]] = {}
    every = error.errors(include_url=False)
    for details in [one for one in every if not _derived(one, value)] or every:
        groups.setdefault(_keys(details, value), []).append(details)
    return [
        _mistake(keys, details, model, value, also_known)
        for keys, details in groups.items()
        if not (_only_types(details) and _deeper(keys, groups))
    ]


BOOLEANS = dict.fromkeys(("yes", "y", "on", "1"), "true") | dict.fromkeys(("no", "n", "off", "0"), "false")
"""Words for true and false in YAML 1.1 and elsewhere."""


def show(value: Any) -> str:
    """A short value as YAML; for a long one its type."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    if value is None or isinstance(value, bool):
        return str(value).lower().replace("none", "null")
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _keys(details: ErrorDetails, value: Any) -> Keys:
    """The path to the wrong value: pydantic's, without the names of the types it tried."""
    keys: Keys = ()
    loc = details["loc"]
    for key in loc:
        keys, value = _step(keys, key, value)
    new = details["type"] in ("missing", "extra_forbidden") and keys[-1:] != loc[-1:]
    return (*keys, loc[-1]) if new else keys


def _derived(details: ErrorDetails, value: Any) -> bool:
    """Whether a validator made the wrong value from another one, which has its own mistake."""
    if details["type"] == "missing" or "[key]" in details["loc"]:
        return False
    return find(value, _keys(details, value)) is not details["input"]


def _step(keys: Keys, key: str | int, value: Any) -> tuple[Keys, Any]:
    for real in (key, *_numbers(key, value)):
        try:
            return (*keys, real), child(value, real)
        except KeyError:
            continue
    return keys, value


def _numbers(key: str | int, value: Any) -> list[int | float]:
    """Keys of a table of numbers that pydantic names by their text."""
    return [name for name in value if not isinstance(name, str) and str(name) == key] if isinstance(value, dict) else []


def _only_types(details: Sequence[ErrorDetails]) -> bool:
    return all(d["type"].endswith("_type") for d in details)


def _deeper(keys: Keys, groups: Iterable[Keys]) -> bool:
    return any(len(other) > len(keys) and other[: len(keys)] == keys for other in groups)


def _mistake(
    keys: Keys, details: Sequence[ErrorDetails], model: type[BaseModel], value: Any, also_known: Iterable[str]
) -> Mistake:
    for one in details:
        if "[key]" in one["loc"]:
            words = one["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
            return Mistake(keys, f"this key {words}")
        if one["type"] == "extra_forbidden":
            return Mistake(keys, _unknown(keys, model, value, also_known), unknown=True)
        if one["type"] == "union_tag_invalid":
            return _wrong_tag(keys, one["ctx"])
        if (message := _message(one, find(value, keys))) is not None:
            return Mistake(keys, message)
    expected = describe(expected_at(model, keys, value))
    if details[0]["type"] != "missing":
        return Mistake(keys, f"expected {expected}, got {show(found := find(value, keys))}{_remedy(found, expected)}")
    if isinstance(keys[-1], str):
        return Mistake(keys[:-1], f"{keys[-1]} is missing; expected {expected}")
    return Mistake(keys[:-1], f"too short; expected {describe(expected_at(model, keys[:-1], value))}")


def _remedy(written: Any, expected: str) -> str:
    """What to write instead of words that mean something elsewhere, or that lack a space."""
    word = written.lower() if isinstance(written, str) else ""
    if expected == "true or false" and word in BOOLEANS:
        return f"; write {BOOLEANS[word]}"
    if glued := NO_SPACE.fullmatch(word):
        return f"; a space is missing after the colon: `{glued[1]}: {glued[2]}`"
    return ""


def _unknown(keys: Keys, model: type[BaseModel], value: Any, also_known: Iterable[str]) -> str:
    known = known_keys(expected_at(model, keys[:-1], value), find(value, keys[:-1]))
    return f"unknown key; {did_you_mean(str(keys[-1]), known | set(also_known if len(keys) == 1 else ()))}"


def _wrong_tag(keys: Keys, context: dict[str, Any]) -> Mistake:
    """An unknown `use` or `schedule`."""
    selector, tags = context["discriminator"].strip("'"), context["expected_tags"].replace("'", "").split(", ")
    return Mistake((*keys, selector), f"{context['tag']!r} is unknown; {did_you_mean(str(context['tag']), tags)}")


def _message(details: ErrorDetails, value: Any) -> str | None:
    """The message for a mistake other than a wrong type; None for a wrong type."""
    kind, context = details["type"], details.get("ctx", {})
    if kind == "invalid_key":
        return f"a key must be a name, got {show(details['input'])}"
    if kind in BOUNDS:
        numbers = {key: f"{bound:g}" if isinstance(bound, float) else bound for key, bound in context.items()}
        return f"{BOUNDS[kind].format(**numbers)}, got {show(value)}"
    if kind in ("value_error", "assertion_error"):
        return str(context["error"]) + ("" if isinstance(value, dict | list) else f", got {show(value)}")
    return None
