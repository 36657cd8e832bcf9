"""YAML text to a document with the file and line of every value, or to all mistakes in the text.

The parser is PyYAML's; the meaning of values is defined here, because PyYAML reads `2e-4` as text, `on` as true and
`010` as 8, and silently lets a repeated key win. Refused: tags, anchors that contain themselves, merge keys (use
`extends:`), several documents, keys without a value, and texts too large, too deep or too repetitive to be an
experiment. gancore.config.yaml.scalars says what plain values mean.

The parser's events do not recurse, so depth, size and repetition (aliases) are bounded before anything is built.
"""

import codecs
import itertools
import re
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import yaml

from gancore.config.yaml.document import Document, Key, Keys, dotted, ways
from gancore.config.yaml.scalars import dump, scalar
from gancore.errors import ConfigError, GancoreError, Problem, nearest
from gancore.presets import PREFIX, is_preset, preset_file, preset_names

MAX_BYTES = 2**20
MAX_DEPTH = 32
MAX_VALUES = 20_000
MOST_NEIGHBOURS = 1000
"""How many files of a folder are searched for a similar name."""

ADVICE = {
    r"found character '\t' that cannot start any token": "a tab; indent with spaces",
    "mapping values are not allowed here": "unexpected ':'; is the line above finished, and the indentation even?",
    "could not find expected ':'": "expected 'key: value'",
    "expected <block end>, but found '<block mapping start>'": "uneven indentation",
    "expected <block end>, but found '<block sequence start>'": "uneven indentation",
    "expected the node content, but found '<stream end>'": "the text ends too early",
    "expected ',' or '}', but got '<stream end>'": "a '{' is not closed",
    "expected ',' or ']', but got '<stream end>'": "a '[' is not closed",
    "found unexpected end of stream": "a quotation mark is not closed",
}
"""PyYAML's messages for frequent mistakes, and messages that help."""

BACKSLASH = "in double quotes a backslash begins an escape; write a path in single quotes, 'C:\\data', or with slashes"
ESCAPES = ("found unknown escape character", "expected escape sequence of")
"""How PyYAML's messages on such backslashes begin."""

ESCAPED_DRIVE = re.compile(r"[A-Za-z]:[\x00-\x1f\x7f\x85\xa0]")
"""What "C:\\new" and "D:\\temp" are in double quotes."""

NO_SPACE = re.compile(r"([A-Za-z_]\w*):([^\s:/\\].*)")
"""A key and its value that were written without a space, `batch:8`."""

ODD_SPACE = re.compile(r"[\u00a0\u2000-\u200b\u202f\u205f\u3000]")
"""Spaces of word processors and web pages, which are text to YAML."""

DIGITS = re.compile("[0-9]+")

_FAST = getattr(yaml, "CSafeLoader", None)
"""The parser of libyaml: 15 times as fast, with other messages. It reads only plain text, on which the two agree."""
_PLAIN = re.compile(r"[A-Za-z0-9 \n_./:;,{}\[\]\"'+*()#<=~-]*")

_OPEN = object()
"""The value of an anchor whose content is still being read."""


def read(path: Path) -> Document:
    """The document in a file, or in a preset. Raises ConfigError with all mistakes in the text."""
    source = str(path)
    if is_preset(source):
        try:
            path = preset_file(source)
        except GancoreError as error:
            raise _error(source, str(error)) from None
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise _error(source, "not a regular file; opening it might wait forever")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise _error(source, f"there is no such file{instead(path)}") from None
    except (OSError, ValueError) as error:
        raise _error(source, f"cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if len(data) > MAX_BYTES:
        raise _error(f"{source}:1", f"larger than {MAX_BYTES // 2**10} KiB; this is not an experiment")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise _error(f"{source}:1", "UTF-16 text; save it as UTF-8") from None
        line = data.count(b"\n", 0, error.start) + 1
        raise _error(f"{source}:{line}", "not UTF-8 text; is this a YAML file?") from None
    return parse(text, source)


def parse(text: str, source: str, lines: bool = True) -> Document:
    """The document in a text; places are "source:line", or just the source if it has no lines.

    Raises ConfigError: all mistakes of meaning at once, or the first one of syntax.
    """
    if _FAST and _PLAIN.fullmatch(text):
        fast = _Reader(text, source, lines, _FAST)
        with suppress(yaml.YAMLError, ConfigError):  # the code below reports the mistake
            document = fast.document()
            if not fast.problems:
                return document
    reader = _Reader(text, source, lines, yaml.SafeLoader)
    try:
        document = reader.document()
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _error(reader.at(line), "not text (control characters); is this a YAML file?") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = (error.problem or "").replace("\t", r"\t")
        message = BACKSLASH if problem.startswith(ESCAPES) else ADVICE.get(problem, f"not valid YAML: {problem}")
        line = mark.line if mark else 0
        for near in (line, line - 1):
            if odd := ODD_SPACE.search("".join(text.split("\n")[max(near, 0) : near + 1])):
                name = unicodedata.name(odd[0]).lower()
                raise _error(reader.at(near + 1), f"a {name} (U+{ord(odd[0]):04X}); write a plain space") from None
        raise _error(reader.at(line + 1), message) from None
    if reader.problems:
        raise ConfigError(reader.problems)
    return document


def section(text: str, name: str) -> dict[str, Any]:
    """A top-level section of a text, which is read alone: in a tenth of the time. Raises ConfigError.

    Mistakes elsewhere are not noticed. A text without that section, or where it is not a mapping, has an empty one.
    """
    found = re.search(rf"^{re.escape(name)}:.*\n?(?:[ -].*\n?|\n)*", text, re.MULTILINE)
    value = parse(found[0], "").data[name] if found else None
    return value if isinstance(value, dict) else {}


def from_mapping(mapping: Mapping[Any, Any]) -> Document:
    """The document in plain Python data (dicts, lists, tuples, scalars, paths), as if it had been written in YAML.

    Raises ConfigError for the same reasons as `parse`: a list that contains itself is an alias to itself.
    """
    if _is_large(mapping):
        raise _error("", f"more than {MAX_VALUES} values; this is not an experiment")
    try:
        text = dump(dict(mapping), aliases=True)
    except (yaml.YAMLError, RecursionError) as error:
        raise _error("", f"not plain data: {error}") from None
    return parse(text, "", lines=False)


def instead(path: Path) -> str:
    """A suggestion for the name of a missing file: `; did you mean ...?`, or nothing."""
    if path.name in preset_names():
        return f"; did you mean {PREFIX}{path.name}?"
    try:
        there = [file.name for file in itertools.islice(path.parent.iterdir(), MOST_NEIGHBOURS)]
    except (OSError, ValueError):
        return ""
    near = nearest(path.name, [name for name in there if name.endswith((".yaml", ".yml")) and name.isprintable()])
    return f"; {near}".rstrip(" ;")


def _is_large(mapping: Mapping[Any, Any]) -> bool:
    """Whether there are more than MAX_VALUES values, each list and mapping counted once; stops at that number."""
    waiting: list[Any] = [mapping]
    seen, count = set(), 1
    while waiting and count <= MAX_VALUES:
        holder = waiting.pop()
        if id(holder) not in seen:
            seen.add(id(holder))
            inner = [*holder, *holder.values()] if isinstance(holder, Mapping) else list(holder)
            count += len(inner)
            waiting += [value for value in inner if isinstance(value, Mapping | list | tuple)]
    return count > MAX_VALUES


class _Reader:
    """Builds the document of one text from the events of PyYAML's parser."""

    def __init__(self, text: str, source: str, lines: bool, loader: type) -> None:
        self.events: Iterator[Any] = yaml.parse(text, Loader=loader)
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
            raise _error(self.at(1), "empty; an experiment needs at least a `data:` section")
        return Document(data, self.places)

    def _value(self, event: Any, keys: Keys) -> Any:
        self._count(event, 1, len(keys))
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, keys)
        if event.tag is not None:
            self._flaw(event, keys, f"the tag {event.tag!r} is refused; write plain values")
        if event.anchor is not None:
            self.anchors[event.anchor] = _OPEN
        if isinstance(event, yaml.MappingStartEvent):
            value: Any = self._mapping(keys)
        elif isinstance(event, yaml.SequenceStartEvent):
            value = [self._item(inner, (*keys, i)) for i, inner in enumerate(self._until(yaml.SequenceEndEvent))]
        else:
            value = self._scalar(event, keys)
        if event.anchor is not None:
            self.anchors[event.anchor] = value
        return value

    def _item(self, event: Any, keys: Keys) -> Any:
        self.places[keys] = self._line(event)
        return self._value(event, keys)

    def _mapping(self, keys: Keys) -> dict[Key, Any]:
        mapping: dict[Key, Any] = {}
        for event in self._until(yaml.MappingEndEvent):
            last, sound = next(reversed(mapping), None), len(self.problems)
            key = self._key(event, keys)
            way = (*keys, key)
            if key in mapping:
                first = self.places[way].rpartition(":")[2]
                self._flaw(event, way, f"this key occurs twice{f', first on line {first}' * self.lines}")
            self.places.setdefault(way, self._line(event))
            before, value = len(self.problems), next(self.events)
            mapping[key] = self._value(value, way)
            if (glued := NO_SPACE.fullmatch(str(key))) and (_is_empty(value) or glued[2][0] in "{["):
                del self.problems[before:]
                self._flaw(event, keys, f"a space is missing after the colon; write `{glued[1]}: {glued[2]}`")
            if last is not None and _is_empty(value) and DIGITS.fullmatch(event.value) and type(mapping[last]) is int:
                del self.problems[sound:]
                self._flaw(event, (*keys, last), f"a decimal comma; write `{mapping[last]}.{event.value}`")
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
        if event.style == '"' and ESCAPED_DRIVE.match(event.value):
            self._flaw(event, keys, BACKSLASH)
        if event.style or event.tag is not None:
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
        copied = [(*keys, *inner) for inner in ways(value)]
        self._count(event, len(copied), max(map(len, copied)))
        self.places |= dict.fromkeys(copied, self._line(event))
        return value

    def _count(self, event: Any, values: int, depth: int) -> None:
        self.values += values
        if self.values > MAX_VALUES:
            self._stop(event, (), f"more than {MAX_VALUES} values; this is not an experiment")
        if depth > MAX_DEPTH:
            self._stop(event, (), f"nested more than {MAX_DEPTH} deep; this is not an experiment")

    def _until(self, end: type[yaml.Event]) -> Iterator[Any]:
        return itertools.takewhile(lambda event: not isinstance(event, end), self.events)

    def _line(self, event: Any) -> str:
        return self.at(event.start_mark.line + 1)

    def _flaw(self, event: Any, keys: Keys, message: str) -> None:
        self.problems.append(Problem(self._line(event), dotted(keys), message))

    def _stop(self, event: Any, keys: Keys, message: str) -> NoReturn:
        self._flaw(event, keys, message)
        raise ConfigError(self.problems)


def _is_empty(event: Any) -> bool:
    """Whether nothing was written for a value."""
    return isinstance(event, yaml.ScalarEvent) and not event.style and not event.value


def _error(where: str, message: str) -> ConfigError:
    return ConfigError([Problem(where, "", message)])
