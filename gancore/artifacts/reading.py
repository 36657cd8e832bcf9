"""Reads data files of runs and grids: checked data, or one line on the damage of the file.

The files of a folder may be damaged or malicious. Only regular files are opened (reading a FIFO would wait), and none
larger than LARGEST. Pydantic parses the JSON: depth, huge numbers, text that is not UTF-8 and wrong types all raise the
same error.
"""

import json
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from gancore.errors import RunError

LARGEST = 2**28
"""Largest data file to read, in bytes. The log of a month, a line a minute, has 2**24."""

Form = TypeVar("Form")


@dataclass(frozen=True)
class Lines(Generic[Form]):
    """The records of a JSON-lines file by line number. damage: a message for each other line."""

    by_number: dict[int, Form] = field(default_factory=dict)
    damage: list[str] = field(default_factory=list)

    @property
    def records(self) -> list[Form]:
        return list(self.by_number.values())


def read_bytes(path: Path) -> bytes:
    """The contents of a regular file. Raises FileNotFoundError; RunError if it cannot be read, or is too large."""
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):
            raise RunError(f"{path}: cannot be read: not a regular file")
        if about.st_size > LARGEST:
            raise RunError(f"{path}: cannot be read: larger than {LARGEST >> 20} MiB")
        return path.read_bytes()
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise RunError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error


def read_json(path: Path, form: TypeAdapter[Form]) -> Form:
    """A JSON file of a given form. Raises FileNotFoundError; RunError if it cannot be read, or has another form."""
    content = read_bytes(path)
    try:
        return form.validate_json(content)
    except ValidationError as error:
        raise RunError(f"{path}: {first_mistake(error)}") from error


def read_lines(path: Path, form: TypeAdapter[Form], kind: str, last: int | None = None) -> Lines[Form]:
    """The lines of a JSON-lines file that have a given form, or of its last ones; none if there is no such file.

    A kill cuts the last line, and a disk may damage any: these are left out. `kind` is what a line should be.
    """
    lines: Lines[Form] = Lines()
    try:
        content = read_bytes(path)
    except FileNotFoundError:
        return lines
    except RunError as error:
        lines.damage.append(str(error).replace(str(path), path.name, 1))
        return lines
    every = list(enumerate(content.splitlines(), 1))
    for number, line in every[-last:] if last else every:
        try:
            lines.by_number[number] = form.validate_json(line)
        except ValidationError:
            lines.damage.append(f"{path.name}:{number} is no {kind}, and was left out")
    return lines


def parsed_mapping(text: str) -> dict[str, Any]:
    """Any JSON object. Raises ValueError with one line."""
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("expected an object")
    return value


def first_mistake(error: ValidationError) -> str:
    """The first mistake that pydantic reports, in one line."""
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"]))
    return f"{place}: {first['msg']}" if place else first["msg"]
