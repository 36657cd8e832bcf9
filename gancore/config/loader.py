"""YAML text to a document that knows file and line of everything in it, or to all that is wrong with the text.

YAML's parser comes from PyYAML; meaning is given here, because PyYAML's own reads `2e-4` as text, `on` as true and
`010` as 8, and lets a repeated key win silently. Refused: tags, anchors that contain themselves, merge keys (use
`extends:`), several documents, keys without a value, and texts too large, too deep or too repetitive to be an
experiment. See gancore.config.scalars for what words mean.
"""

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from gancore.config.composer import Composer
from gancore.config.document import Document
from gancore.config.scalars import dump
from gancore.errors import ConfigError, GancoreError, Problem, nearest
from gancore.presets import PREFIX, is_preset, preset_file, preset_names

MAX_BYTES = 2**20
MOST_NEIGHBOURS = 1000
"""Files of a folder that are looked at for one with a similar name."""

WORDS = {
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
"""PyYAML's words for frequent mistakes, in words that help."""


def read(path: Path) -> Document:
    """The document in a file, or in a preset. Raises ConfigError with everything that is wrong with the text."""
    source = str(path)
    if is_preset(source):
        try:
            path = preset_file(source)
        except GancoreError as error:
            raise _error(source, str(error)) from None
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise _error(str(path), "not a regular file; opening it might wait forever")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise _error(source, f"there is no such file{instead(path)}") from None
    except (OSError, ValueError) as error:
        raise _error(str(path), f"cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if len(data) > MAX_BYTES:
        raise _error(f"{path}:1", f"larger than {MAX_BYTES // 2**10} KiB; this is no experiment")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _error(f"{path}:{line}", "not UTF-8 text; is this a YAML file?") from None
    return parse(text, source)


def instead(path: Path) -> str:
    """What a person may have meant by the name of a file that is not there: `; did you mean ...?`, or nothing."""
    if path.name in preset_names():
        return f"; did you mean {PREFIX}{path.name}?"
    try:
        there = [file.name for file in itertools.islice(path.parent.iterdir(), MOST_NEIGHBOURS)]
    except (OSError, ValueError):
        return ""
    near = nearest(path.name, [name for name in there if name.endswith((".yaml", ".yml")) and name.isprintable()])
    return f"; {near}".rstrip(" ;")


def parse(text: str, source: str, lines: bool = True) -> Document:
    """The document in a text; places are "source:line", or just the source where lines mean nothing.

    Raises ConfigError: all mistakes of meaning at once, or the first one of syntax.
    """
    composer = Composer(text, source, lines)
    try:
        document = composer.document()
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _error(composer.at(line), "not text (control characters); is this a YAML file?") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = (error.problem or "").replace("\t", r"\t")
        words = WORDS.get(problem, f"not valid YAML: {problem}")
        raise _error(composer.at(mark.line + 1 if mark else 1), words) from None
    if composer.problems:
        raise ConfigError(composer.problems)
    return document


def from_mapping(mapping: Mapping[Any, Any]) -> Document:
    """The document in plain Python data (dicts, lists, tuples, scalars, paths), as if it had been written in YAML.

    Raises ConfigError for the same reasons as `parse`: a list that contains itself is an alias to itself.
    """
    try:
        text = dump(dict(mapping), aliases=True)
    except (yaml.YAMLError, RecursionError) as error:
        raise _error("", f"not plain data: {error}") from None
    return parse(text, "", lines=False)


def _error(where: str, message: str) -> ConfigError:
    return ConfigError([Problem(where, "", message)])
