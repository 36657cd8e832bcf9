"""Types of options in plain words, and the expected type at a key of a document."""

from collections.abc import Iterator
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from gancore.config.yaml.document import Keys, child

SCALARS = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "text",
    Path: "a path",
    NoneType: "null",
}
SELECTORS = ("use", "schedule")
"""Keys that distinguish several mappings."""


def describe(annotation: Any) -> str:
    """What a value of this type looks like: "a number or a schedule {schedule: linear|cosine|table, ...}"."""
    types = list(members(annotation))
    words = [_words(kind) for kind in types if not selectors(kind)]
    for selector in SELECTORS:
        choices = [tag for kind in types for tag in selectors(kind).get(selector, ())]
        if choices:
            words.append(f"{'a schedule ' * (selector == 'schedule')}{{{selector}: {'|'.join(choices)}, ...}}")
    return " or ".join(sorted(dict.fromkeys(words), key=lambda word: word == "null"))


def members(annotation: Any) -> Iterator[Any]:
    """The types that a type is a choice of, without bounds and other notes."""
    if get_origin(annotation) in (Union, UnionType):
        for argument in get_args(annotation):
            yield from members(argument)
    elif get_origin(annotation) is Annotated:
        yield from members(get_args(annotation)[0])
    else:
        yield annotation


def expected_at(annotation: Any, keys: Keys, value: Any) -> Any:
    """The type expected at the end of the path through `value`, Any if it is unknown."""
    for key in keys:
        found = tuple(inner for kind in fitting(annotation, value) for inner in _inner(kind, key))
        annotation = Union[found] if found else Any  # noqa: UP007 (made at run time)
        try:
            value = child(value, key)
        except KeyError:
            value = None
    return annotation


def known_keys(annotation: Any, value: Any) -> set[str]:
    """The keys that a mapping of this type may have."""
    return {name for kind in fitting(annotation, value) if _is_model(kind) for name in kind.model_fields}


def fitting(annotation: Any, value: Any) -> list[Any]:
    """The members of a type that `value` may be, judged by its `use` or `schedule`."""
    kinds = list(members(annotation))
    tags = {key: value[key] for key in SELECTORS if key in value} if isinstance(value, dict) else {}
    meant = [k for k in kinds if tags and all(tag in selectors(k).get(key, ()) for key, tag in tags.items())]
    return meant or kinds


def _words(kind: Any) -> str:
    if kind in SCALARS:
        return SCALARS[kind]
    origin, arguments = get_origin(kind) or kind, get_args(kind)
    if origin is Literal:
        return " or ".join(_show(choice) for choice in arguments)
    if origin is tuple and arguments and ... not in arguments:
        return f"a list of {len(arguments)} values, [{', '.join(map(describe, arguments))}]"
    if origin in (list, tuple, set, frozenset):
        return "a list" + (f", each item {describe(arguments[0])}" if arguments else "")
    if origin is dict or _is_model(kind):
        return "a mapping"
    return "a value" if kind is Any else getattr(kind, "__name__", str(kind)).lower()


def _show(choice: Any) -> str:
    return {True: "true", False: "false", None: "null"}[choice] if isinstance(choice, bool | None) else repr(choice)


def _inner(kind: Any, key: Any) -> list[Any]:
    """The type under a key, or an index, of a type; empty if it has none."""
    origin, arguments = get_origin(kind) or kind, get_args(kind)
    if _is_model(kind):
        return [kind.model_fields[key].annotation] if key in kind.model_fields else []
    if origin is dict and arguments:
        return [arguments[1]]
    if origin is tuple and arguments and ... not in arguments:
        return [arguments[key]] if isinstance(key, int) and key < len(arguments) else []
    return list(arguments[:1]) if origin in (list, tuple, set, frozenset) else []


def selectors(kind: Any) -> dict[str, tuple[str, ...]]:
    """The keys of a model that distinguish it from others, with their values: {"use": ("adam",)}."""
    if not _is_model(kind):
        return {}
    fields = {name: kind.model_fields[name].annotation for name in SELECTORS if name in kind.model_fields}
    return {name: get_args(fixed) for name, fixed in fields.items() if get_origin(fixed) is Literal}


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
