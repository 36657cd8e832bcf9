"""A table of a plugin's options, read from its pydantic Config."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import AfterValidator, BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from gancore.config.describe import describe
from gancore.options import Bounds

SYMBOLS = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<", "min_length": "length >=", "max_length": "length <="}


@dataclass(frozen=True)
class Option:
    """One option; type as in error messages, range in symbols, default as JSON has it."""

    name: str
    type: str
    default: Any
    required: bool
    range: str
    doc: str


def table(config: type[BaseModel], prefix: str = "", given: BaseModel | None = None) -> list[Option]:
    """The options of a Config in the order of declaration, those of nested sections with dotted names.

    `given` is the default instance of a section; its values are then the defaults.
    """
    fields = config.model_fields.items()
    return [option for name, info in fields for option in _options(name, info, prefix, given)]


def _options(name: str, info: FieldInfo, prefix: str, given: BaseModel | None) -> Iterator[Option]:
    default = getattr(given, name) if given else _default(info)
    if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
        yield from table(info.annotation, f"{prefix}{name}.", default)
    else:
        required = info.is_required() and given is None
        words, bounds = describe(info.annotation), _range([*info.metadata, *_members_metadata(info.annotation)])
        yield Option(prefix + name, words, to_jsonable_python(default), required, bounds, info.description or "")


def _default(info: FieldInfo) -> Any:
    return None if info.is_required() else info.get_default(call_default_factory=True, validated_data={})


def _members_metadata(annotation: Any) -> Iterator[Any]:
    """Annotations of the members of a union: the bounds in `Annotated[Scheduled, within(ge=0)] | None`."""
    if get_origin(annotation) in (Union, UnionType):
        for member in get_args(annotation):
            for item in getattr(member, "__metadata__", ()):
                yield from item.metadata if isinstance(item, FieldInfo) else [item]


def _range(metadata: Sequence[Any]) -> str:
    """Bounds in symbols, ">= 0, < 1"."""
    return ", ".join(dict.fromkeys(bound for item in metadata for bound in _bounds(item)))


def _bounds(item: Any) -> Iterator[str]:
    holder = item.func if isinstance(item, AfterValidator) and isinstance(item.func, Bounds) else item
    for attribute, symbol in SYMBOLS.items():
        if (bound := getattr(holder, attribute, None)) is not None:
            yield f"{symbol} {bound:g}"
    if pattern := getattr(item, "pattern", None):
        yield f"matching {pattern}"
