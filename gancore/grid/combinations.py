"""The cells of a grid before they are resolved: every combination of the axes' values and the seeds, by name.

Nothing here knows what the keys mean, so that a grid folder can be listed without loading plugins.
"""

import hashlib
import itertools
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gancore.config.sections.grid import GridConfig
from gancore.config.yaml.document import Document, Keys
from gancore.config.yaml.scalars import inline
from gancore.errors import Problem, did_you_mean
from gancore.grid.published import published_tables

SEED = "training.seed"
LONGEST = 150
"""Characters of a cell's name; file systems take 255."""


@dataclass(frozen=True)
class AxisValue:
    """A value of an axis, with its label in names and tables."""

    label: str
    value: Any
    keys: Keys
    """Its path below `grid.axes`."""


@dataclass(frozen=True)
class Combination:
    """One combination: axis (dotted key) to its value; the seed, if there are seeds, is the last axis."""

    name: str
    values: Mapping[str, AxisValue]

    @property
    def changes(self) -> dict[str, Any]:
        """The changes to the experiment for this cell: dotted key to value."""
        return {axis: value.value for axis, value in self.values.items()}

    @property
    def labels(self) -> dict[str, str]:
        return {axis: value.label for axis, value in self.values.items()}


def combinations_of(grid: GridConfig) -> list[Combination]:
    """The cells in order, the last axis changing fastest, without those that a rule excludes."""
    axes = axes_of(grid)
    names = short_names(axes)
    all_values = (dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values()))
    kept = [values for values in all_values if not any(_excluded(rule, values) for rule in grid.exclude)]
    return [Combination(_name(names, values), values) for values in kept]


def axes_of(grid: GridConfig) -> dict[str, list[AxisValue]]:
    """Axis to its labelled values; the seeds are an axis like any other."""
    axes = {key: list(_labelled(key, values)) for key, values in grid.axes.items()}
    seeds = [AxisValue(str(seed), seed, ("grid", "seeds", i)) for i, seed in enumerate(grid.seeds)]
    return axes | ({SEED: seeds} if seeds else {})


def problems(grid: GridConfig, document: Document) -> list[Problem]:
    """Mistakes in a grid that do not depend on the meaning of its keys."""
    return [Problem(document.where(keys), ".".join(map(str, keys)), text) for keys, text in _mistakes(grid)]


def short_names(axes: Mapping[str, Any]) -> dict[str, str]:
    """The names of the axes in names of cells and tables: as few last parts of their keys as distinguish them."""
    ways = {axis: [part for part in axis.split(".") if part != "use"] for axis in axes}
    for count in range(1, max(map(len, ways.values()), default=0) + 1):
        names = {axis: ".".join(way[-count:]) for axis, way in ways.items()}
        if all(names.values()) and len(set(names.values())) == len(names):
            return names
    return {axis: axis for axis in axes}


def _mistakes(grid: GridConfig) -> Iterator[tuple[Keys, str]]:
    axes = axes_of(grid)
    if not axes:
        yield ("grid",), "a grid needs `axes` or `seeds`"
        return
    if grid.published is not None and grid.published not in published_tables():
        yield ("grid", "published"), f"no table of this name; {did_you_mean(grid.published, published_tables())}"
    for values in axes.values():
        seen: set[str] = set()
        for value in values:
            if value.label in seen:
                yield (
                    value.keys,
                    f"another value of this axis is called {value.label!r} too; write {{label: value, ...}}",
                )
            seen.add(value.label)
    for index, rule in enumerate(grid.exclude):
        for axis, asked in rule.items():
            keys: Keys = ("grid", "exclude", index, axis)
            if axis not in axes:
                yield keys, f"no axis of this grid; {did_you_mean(axis, axes)}"
                continue
            for one in asked if isinstance(asked, list) else [asked]:
                if not any(_is(one, value) for value in axes[axis]):
                    known = ", ".join(value.label for value in axes[axis])
                    yield keys, f"no value of this axis: {inline(one)}; known: {known}"
    if not combinations_of(grid):
        yield ("grid", "exclude"), "leaves no cell"


def _labelled(key: str, values: list[Any] | dict[str, Any]) -> Iterator[AxisValue]:
    where: Keys = ("grid", "axes", key)
    if isinstance(values, dict):
        yield from (AxisValue(_safe(str(label)), value, (*where, label)) for label, value in values.items())
        return
    labels = [_label(value) for value in values]
    counts = Counter(labels)
    for index, (value, label) in enumerate(zip(values, labels, strict=True)):
        yield AxisValue(label if counts[label] == 1 else _spelled(value), value, (*where, index))


def _label(value: Any) -> str:
    return _safe(str(value["use"])) if isinstance(value, dict) and "use" in value else _spelled(value)


def _spelled(value: Any) -> str:
    """The value in characters that a file name may have: {weight: 2} as weight-2."""
    return _safe(value if isinstance(value, str) else inline(value))


def _safe(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9.+_-]+", "-", text).strip("-") or "none"


def _name(names: Mapping[str, str], values: Mapping[str, AxisValue]) -> str:
    """`generator=skip_discriminator=residual_seed=0`."""
    name = "_".join(f"{names[axis]}={value.label}" for axis, value in values.items())
    digest = hashlib.sha256(json.dumps(name).encode()).hexdigest()[:8]
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 9]}-{digest}"


def _excluded(rule: Mapping[str, Any], values: Mapping[str, AxisValue]) -> bool:
    return all(axis in values and _holds(asked, values[axis]) for axis, asked in rule.items())


def _holds(asked: Any, value: AxisValue) -> bool:
    return any(_is(one, value) for one in (asked if isinstance(asked, list) else [asked]))


def _is(asked: Any, value: AxisValue) -> bool:
    return bool(asked == value.value) or asked == value.label
