"""A document: plain data (mappings, lists, scalars) with the place where each part of it was written."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Key = str | int | float
Keys = tuple[Key, ...]
"""The way from the top of a document to a value in it; keys of mappings, indices of lists."""


class Origin(NamedTuple):
    """Of an option from before its part's `use` was changed: the way to the part, and the plugin that was used there
    (None: that of the default)."""

    part: Keys
    use: Any


@dataclass
class Document:
    """An experiment as written, before anything is known of its meaning.

    data: what was written; scalars are str, int, float, bool, None.
    places: "file:line" or "-o KEY=VALUE" of every key and list item; of the document itself under ().
    stale: options from before their part's `use` was changed; where the new plugin does not have the same option
        they are dropped instead of being mistakes.
    unrequested: files (as in `places`) that were reached through a folder or a model, so that the plugin files they
        name are not executed unasked; see gancore.trust.
    """

    data: Any
    places: dict[Keys, str]
    stale: dict[Keys, Origin] = field(default_factory=dict)
    unrequested: frozenset[str] = frozenset()

    def where(self, keys: Keys) -> str:
        """The place of a value, or of the nearest mapping or list around it that was written."""
        while keys and keys not in self.places:
            keys = keys[:-1]
        return self.places.get(keys, "")

    def is_request(self, place: str) -> bool:
        """Whether a person asked for what was written at a place, by naming its file or writing it themselves."""
        file, _, line = place.rpartition(":")
        return self.unrequested.isdisjoint({place, file} if line.isdecimal() else {place})


def child(value: Any, key: Key) -> Any:
    """What stands under a key or an index; KeyError where there is nothing."""
    if isinstance(value, dict) and key in value:
        return value[key]
    if isinstance(value, list | tuple) and isinstance(key, int) and 0 <= key < len(value):
        return value[key]
    raise KeyError(key)


def find(value: Any, keys: Keys) -> Any:
    """What stands at the end of the way, None where the way ends before."""
    try:
        for key in keys:
            value = child(value, key)
    except KeyError:
        return None
    return value


def ways(value: Any, keys: Keys = ()) -> Iterator[Keys]:
    """The way to every value in plain data, the outer ones first."""
    yield keys
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from ways(inner, (*keys, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from ways(inner, (*keys, index))


def dotted(keys: Keys) -> str:
    return ".".join(map(str, keys))


def without(value: Mapping[Key, Any], keys: Keys) -> dict[Key, Any]:
    """A copy of nested mappings that lacks the value at the end of the way."""
    first, *rest = keys
    if not rest:
        return {key: inner for key, inner in value.items() if key != first}
    return {**value, first: without(value[first], tuple(rest))}


def replaced(value: Any, keys: Keys, by: Any) -> Any:
    """A copy of nested mappings with another value at the end of the way."""
    if not keys:
        return by
    inner = value if isinstance(value, dict) else {}
    return {**inner, keys[0]: replaced(inner.get(keys[0]), keys[1:], by)}


def nested(keys: Keys, value: Any) -> Any:
    """The document in which `value` stands at the end of the way and nothing else anywhere."""
    for key in reversed(keys):
        value = {key: value}
    return value
