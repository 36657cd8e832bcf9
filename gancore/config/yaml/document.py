"""A document: plain data (mappings, lists, scalars) with the place of each part in a file."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Key = str | int | float
Keys = tuple[Key, ...]
"""The path from the top of a document to a value in it: keys of mappings, indices of lists."""


class Origin(NamedTuple):
    """The origin of an option from before its part's `use` was changed: the path to the part, and its plugin then
    (None: the default one)."""

    part: Keys
    use: Any


@dataclass
class Document:
    """An experiment as written; its meaning is not interpreted yet.

    data: the values; scalars are str, int, float, bool, None.
    places: "file:line" or "-o KEY=VALUE" of every key and list item; of the document itself under ().
    stale: options from before their part's `use` was changed; if the new plugin does not have the same option, they are
        dropped and not reported as mistakes.
    unrequested: files (as in `places`) that belong to a folder or a model that was named, so that the plugin files they
        name are not executed without consent; see gancore.trust.
    """

    data: Any
    places: dict[Keys, str]
    stale: dict[Keys, Origin] = field(default_factory=dict)
    unrequested: frozenset[str] = frozenset()

    def where(self, keys: Keys) -> str:
        """The place of a value, or of the nearest mapping or list around it that has one."""
        while keys and keys not in self.places:
            keys = keys[:-1]
        return self.places.get(keys, "")

    def is_request(self, place: str) -> bool:
        """Whether the user requested the contents of a place, by naming its file or writing it."""
        file, _, line = place.rpartition(":")
        return self.unrequested.isdisjoint({place, file} if line.isdecimal() else {place})


def child(value: Any, key: Key) -> Any:
    """The value under a key or an index. Raises KeyError."""
    if isinstance(value, dict) and key in value:
        return value[key]
    if isinstance(value, list | tuple) and isinstance(key, int) and 0 <= key < len(value):
        return value[key]
    raise KeyError(key)


def find(value: Any, keys: Keys) -> Any:
    """The value at the end of a path, None if the path ends before."""
    try:
        for key in keys:
            value = child(value, key)
    except KeyError:
        return None
    return value


def ways(value: Any, keys: Keys = ()) -> Iterator[Keys]:
    """The path to every value in plain data, the outer ones first."""
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
    """A copy of nested mappings without the value at the end of a path."""
    first, *rest = keys
    if not rest:
        return {key: inner for key, inner in value.items() if key != first}
    return {**value, first: without(value[first], tuple(rest))}


def replaced(value: Any, keys: Keys, by: Any) -> Any:
    """A copy of nested mappings with another value at the end of a path."""
    if not keys:
        return by
    inner = value if isinstance(value, dict) else {}
    return {**inner, keys[0]: replaced(inner.get(keys[0]), keys[1:], by)}


def nested(keys: Keys, value: Any) -> Any:
    """The document with `value` at the end of a path and nothing else."""
    for key in reversed(keys):
        value = {key: value}
    return value
