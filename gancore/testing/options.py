"""Every option does something: another value of it changes what the plugin does."""

from collections.abc import Iterator, Sequence
from contextlib import nullcontext, suppress
from dataclasses import replace
from typing import Any, Literal, get_args, get_origin

import torch
from pydantic import ValidationError

from gancore.contracts import PluginConfig
from gancore.options import CosineSchedule, LinearSchedule, TableSchedule
from gancore.testing.finding import Finding, holds
from gancore.testing.second_order import doubles
from gancore.testing.subject import Subject
from gancore.testing.uses import same, used


def every_option_is_read(subject: Subject) -> Iterator[Finding]:
    """With the plugin's options, or with another choice or switch among them."""
    seen = set[str]()
    for cfg in (subject.cfg, *_choices(subject.cfg)):
        if seen >= set(subject.plugin.Config.model_fields) or "*" in seen:
            break
        with suppress(Exception) if cfg is not subject.cfg else nullcontext():
            used(replace(subject, cfg=_watched(cfg, seen)))
    for name in subject.plugin.Config.model_fields:
        why = "an experiment would say something that nothing follows"
        yield holds(name in seen or "*" in seen, f"option {name}", "read", "nothing reads it", why)


def every_option_changes_something(subject: Subject) -> Iterator[Finding]:
    """Numbers and switches, in float64, so that a small `eps` counts; others may matter at other sizes only."""
    with doubles():
        before = used(subject)
        for name in subject.plugin.Config.model_fields:
            if not isinstance(getattr(subject.cfg, name), float | int | LinearSchedule | TableSchedule):
                continue
            tried = [cfg for value in others(subject.cfg, name) if (cfg := changed(subject.cfg, name, value))]
            if tried:
                moved = any(_differs(replace(subject, cfg=cfg), before) for cfg in tried)
                moved = moved or any(_matters(subject, cfg, name) for cfg in _choices(subject.cfg))
                values = ", ".join(repr(getattr(cfg, name)) for cfg in tried[:4])
                why = "cells of a grid over it would be the same"
                got = f"the same with {values} as with {getattr(subject.cfg, name)!r}"
                yield holds(moved, f"option {name}", "another result with another value", got, why)


def schedules_are_followed(subject: Subject) -> Iterator[Finding]:
    """An option that takes a schedule works with one."""
    for name in subject.plugin.Config.model_fields:
        value = getattr(subject.cfg, name)
        number = value if isinstance(value, float | int) and not isinstance(value, bool) else 1.0
        schedule = TableSchedule(schedule="table", points={0: number})
        if cfg := changed(subject.cfg, name, schedule):
            try:
                used(replace(subject, cfg=cfg))
            except Exception as error:
                error.add_note(f"with a schedule as {name}")
                raise
            yield Finding(f"option {name}", "a schedule over kimg works")


def others(cfg: PluginConfig, name: str) -> Iterator[Any]:
    """Other values of an option, which its bounds may refuse."""
    value = getattr(cfg, name)
    for choices in _kinds(cfg, name):
        if get_origin(choices) is Literal:
            yield from (choice for choice in get_args(choices) if choice != value)
    match value:
        case bool():
            yield not value
        case int():
            yield from (value * 2, value + 1, value - 1, value // 2, 0, 1, 2, 0.5, 0.25)
        case float() | LinearSchedule() | CosineSchedule() | TableSchedule():
            number = value if isinstance(value, float) else 1.0
            yield from (number * 2, number / 2, number + 0.5, number - 0.5, 1.0, 0.0, 0.5, number * 1e4, 100.0)
        case tuple() | list():
            yield from (value[:-1], value[:1], (*value, *value), value[::-1])
        case PluginConfig():
            for inner in type(value).model_fields:
                yield from (new for own in others(value, inner) if (new := changed(value, inner, own)))
        case None:
            yield from (1, 2, 4, 0.5, True, "a")


def changed(cfg: PluginConfig, name: str, value: Any) -> PluginConfig | None:
    """The options with another value; None where they refuse it."""
    try:
        return type(cfg)(**{**{key: getattr(cfg, key) for key in type(cfg).model_fields}, name: value})
    except ValidationError:
        return None


def _choices(cfg: PluginConfig) -> Iterator[PluginConfig]:
    """The options with another choice or switch, one at a time."""
    for name in type(cfg).model_fields:
        choice = any(get_origin(kind) is Literal for kind in _kinds(cfg, name))
        if choice or isinstance(getattr(cfg, name), bool) or getattr(cfg, name) is None:
            yield from (new for value in others(cfg, name) if (new := changed(cfg, name, value)))


def _kinds(cfg: PluginConfig, name: str) -> tuple[Any, ...]:
    annotation = type(cfg).model_fields[name].annotation
    return (annotation, *get_args(annotation))


def _matters(subject: Subject, cfg: PluginConfig, name: str) -> bool:
    """Whether an option changes something beside these others."""
    try:
        before = used(replace(subject, cfg=cfg))
    except Exception:  # the others do not fit these sizes
        return False
    return any(
        _differs(replace(subject, cfg=new), before) for value in others(cfg, name) if (new := changed(cfg, name, value))
    )


def _differs(subject: Subject, before: Sequence[Any]) -> bool:
    """Whether the plugin does something else; a value that it cannot be built or used with at these sizes is other."""
    torch.manual_seed(0)
    try:
        return not same(used(subject), before)
    except Exception:
        return True


def _watched(cfg: PluginConfig, seen: set[str]) -> PluginConfig:
    """The same options; the names of those that are read go into `seen`, "*" if all are at once."""
    own = type(cfg)

    class Watched(own):  # type: ignore[valid-type, misc]
        def __getattribute__(self, name: str) -> Any:
            if name in own.model_fields:
                seen.add(name)
            elif name in ("model_dump", "__dict__", "__iter__"):
                seen.add("*")
            return super().__getattribute__(name)

    return Watched.model_construct(**{key: getattr(cfg, key) for key in own.model_fields})
