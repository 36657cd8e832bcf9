"""Builds a document from the events of PyYAML's parser, and refuses what an experiment has no use for.

Events do not recurse, so depth, size and repetition (aliases) are bounded before anything is built.
"""

import itertools
from collections.abc import Iterator
from typing import Any, NoReturn

import yaml

from gancore.config.document import Document, Key, Keys, dotted, walk
from gancore.config.scalars import scalar
from gancore.errors import ConfigError, Problem

MAX_DEPTH = 32
MAX_VALUES = 20_000

_OPEN = object()
"""The value of an anchor whose content is still being read."""


class Composer:
    """Builds the document from the events of PyYAML's parser, which does not recurse, so depth can be bounded."""

    def __init__(self, text: str, source: str, lines: bool) -> None:
        self.events: Iterator[Any] = yaml.parse(text, Loader=yaml.SafeLoader)
        self.source, self.lines = source, lines
        self.problems: list[Problem] = []
        self.places: dict[Keys, str] = {}
        self.anchors: dict[str, Any] = {}
        self.values = 0

    def at(self, line: int) -> str:
        return f"{self.source}:{line}" if self.lines else self.source

    def document(self) -> Document:
        data = None
        for count, event in enumerate(e for e in self.events if isinstance(e, yaml.DocumentStartEvent)):
            if count:
                self._stop(event, (), "a second document ('---'); a file holds one experiment")
            self.places[()] = self.at(1)
            data = self._value(next(self.events), ())
        if not self.places:
            raise ConfigError([Problem(self.at(1), "", "empty; an experiment needs at least a `data:` section")])
        return Document(data, self.places)

    def _value(self, event: Any, keys: Keys) -> Any:
        self._count(event, keys, 1, len(keys))
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, keys)
        if event.tag is not None:
            self._flaw(event, keys, f"the tag {event.tag!r} is refused; write plain values")
        if event.anchor is not None:
            self.anchors[event.anchor] = _OPEN
        value = self._content(event, keys)
        if event.anchor is not None:
            self.anchors[event.anchor] = value
        return value

    def _content(self, event: Any, keys: Keys) -> Any:
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(keys)
        if isinstance(event, yaml.SequenceStartEvent):
            return [self._item(inner, (*keys, i)) for i, inner in enumerate(self._until(yaml.SequenceEndEvent))]
        return self._scalar(event, keys)

    def _item(self, event: Any, keys: Keys) -> Any:
        self.places[keys] = self._line(event)
        return self._value(event, keys)

    def _mapping(self, keys: Keys) -> dict[Key, Any]:
        mapping: dict[Key, Any] = {}
        for event in self._until(yaml.MappingEndEvent):
            key = self._key(event, keys)
            way = (*keys, key)
            if key in mapping:
                first = self.places[way].rpartition(":")[2]
                self._flaw(event, way, f"this key stands here twice{f', first on line {first}' * self.lines}")
            self.places.setdefault(way, self._line(event))
            mapping[key] = self._value(next(self.events), way)
        return mapping

    def _key(self, event: Any, keys: Keys) -> Key:
        if not isinstance(event, yaml.ScalarEvent):
            self._stop(event, keys, "a key must be a name, not a list, mapping or alias")
        key = self._value(event, keys)
        if key == "<<":
            self._flaw(event, keys, "merge keys are refused; use `extends:`, or write the options out")
        if isinstance(key, bool) or not isinstance(key, str | int | float):
            self._flaw(event, keys, f"a key must be a name, not {event.value or 'empty'}")
            return event.value
        return key

    def _scalar(self, event: Any, keys: Keys) -> Any:
        if event.style is not None or event.tag is not None:
            return event.value
        if not event.value:
            self._flaw(event, keys, "no value; write `{}` for defaults, `null` for nothing")
            return None
        try:
            return scalar(event.value)
        except ValueError as error:
            self._flaw(event, keys, str(error))
            return None

    def _alias(self, event: Any, keys: Keys) -> Any:
        if event.anchor not in self.anchors:
            self._stop(event, keys, f"*{event.anchor} refers to no anchor above it")
        value = self.anchors[event.anchor]
        if value is _OPEN:
            self._stop(event, keys, f"*{event.anchor} refers to itself")
        ways = [(*keys, *inner) for inner, _ in walk(value)]
        self._count(event, keys, len(ways), max(map(len, ways)))
        self.places |= dict.fromkeys(ways, self._line(event))
        return value

    def _count(self, event: Any, keys: Keys, values: int, depth: int) -> None:
        self.values += values
        if self.values > MAX_VALUES:
            self._stop(event, (), f"more than {MAX_VALUES} values; this is no experiment")
        if depth > MAX_DEPTH:
            self._stop(event, (), f"nested more than {MAX_DEPTH} deep; this is no experiment")

    def _until(self, end: type[yaml.Event]) -> Iterator[Any]:
        return itertools.takewhile(lambda event: not isinstance(event, end), self.events)

    def _line(self, event: Any) -> str:
        return self.at(event.start_mark.line + 1)

    def _flaw(self, event: Any, keys: Keys, message: str) -> None:
        self.problems.append(Problem(self._line(event), dotted(keys), message))

    def _stop(self, event: Any, keys: Keys, message: str) -> NoReturn:
        self._flaw(event, keys, message)
        raise ConfigError(self.problems)
