"""A table of a plugin's options, read from its pydantic Config."""

import types
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import AfterValidator, BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from gancore.options import Bounds, Schedule

SYMBOLS = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<", "min_length": "length >=", "max_length": "length <="}


@dataclass(frozen=True)
class Option:
    """One option: dotted name, type in words, default as JSON has it, range in words, description."""

    name: str
    type: str
    default: Any
    required: bool
    range: str
    doc: str

    @property
    def value(self) -> str:
        """Type and range together, "float >= 0"."""
        return f"{self.type} {self.range}".rstrip()


def describe(config: type[BaseModel], prefix: str = "", given: BaseModel | None = None) -> list[Option]:
    """The options of a Config in the order of declaration, those of nested sections with dotted names.

    `given` is the instance that a section defaults to; its values are the defaults then.
    """
    fields = config.model_fields.items()
    return [option for name, info in fields for option in _options(name, info, prefix, given)]


def _options(name: str, info: FieldInfo, prefix: str, given: BaseModel | None) -> Iterator[Option]:
    default = getattr(given, name) if given else _default(info)
    if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
        yield from describe(info.annotation, f"{prefix}{name}.", default)
    else:
        required = info.is_required() and given is None
        words, bounds = _words(info.annotation), _range(info.metadata)
        yield Option(prefix + name, words, to_jsonable_python(default), required, bounds, info.description or "")


def _default(info: FieldInfo) -> Any:
    return None if info.is_required() else info.get_default(call_default_factory=True, validated_data={})


def _words(annotation: Any) -> str:
    """A type as a person would write it: "int", "float or schedule", "'clamp' or 'sigmoid'", "list of float"."""
    arguments = get_args(annotation)
    if annotation == Schedule:
        return "schedule"
    if annotation is types.NoneType:
        return "none"
    if get_origin(annotation) is Literal:
        return " or ".join(map(repr, arguments))
    if get_origin(annotation) in (Union, types.UnionType):
        return " or ".join(map(_words, arguments))
    if get_origin(annotation) in (tuple, list):
        return "list of " + " and ".join(dict.fromkeys(_words(each) for each in arguments if each is not ...))
    if hasattr(annotation, "__metadata__"):
        return f"{_words(arguments[0])} {_range(annotation.__metadata__)}".rstrip()
    return getattr(annotation, "__name__", str(annotation))


def _range(metadata: Sequence[Any]) -> str:
    """Bounds in symbols, ">= 0, < 1"."""
    return ", ".join(dict.fromkeys(bound for item in metadata for bound in _bounds(item)))


def _bounds(item: Any) -> Iterator[str]:
    if isinstance(item, FieldInfo):  # of Annotated[float, Field(ge=0)] inside another type
        yield from (bound for part in item.metadata for bound in _bounds(part))
        return
    holder = item.func if isinstance(item, AfterValidator) and isinstance(item.func, Bounds) else item
    for attribute, symbol in SYMBOLS.items():
        if (bound := getattr(holder, attribute, None)) is not None:
            yield f"{symbol} {bound:g}"
    if pattern := getattr(item, "pattern", None):
        yield f"matching {pattern}"
