"""Typed options: the base class of every plugin's `Config`, and numbers that follow a schedule over kimg.

Nothing here imports torch, so that checking a file is fast.
"""

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

T = TypeVar("T")


class PluginConfig(BaseModel):
    """Options of a plugin: unknown keys, wrong types and non-finite numbers are refused; values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


@dataclass(frozen=True)
class AddedLater:
    """Marks an option that a plugin did not have at first; see `Later`."""


Later = Annotated[T, AddedLater()]
"""The type of an option that was added to a plugin in use: `halving: Later[Literal["convolution", "average"]] = ...`.

Its default keeps the behaviour from before the option existed, and is not part of an experiment's identity: older runs
and cells of grids are recognized and continued.
"""


@dataclass(frozen=True)
class SaysWhere:
    """Marks an option that only says where something lies; see `Place`."""


Place = Annotated[T, SaysWhere()]
"""The type of an option that only says where something lies: `path: Place[str]`.

What lies there is known by its content, so a run, and a cell of a grid, goes on when it has moved.
"""


def places_of(options: type[PluginConfig]) -> list[str]:
    """The options that only say where something lies."""
    fields = options.model_fields.items()
    return [name for name, field in fields if any(isinstance(mark, SaysWhere) for mark in field.metadata)]


def is_later_default(cfg: PluginConfig, name: str) -> bool:
    """Whether an option was added later and is at its default."""
    field = type(cfg).model_fields[name]
    later = any(isinstance(mark, AddedLater) for mark in field.metadata)
    return later and bool(getattr(cfg, name) == field.get_default(call_default_factory=True))


def one_side(size: Any) -> Any:
    """The side of a size [width, height]; all else is returned unchanged. Raises ValueError if the sides differ."""
    if not isinstance(size, list | tuple) or len(size) != 2 or not all(type(side) is int for side in size):
        return size
    if size[0] != size[1]:
        raise ValueError(f"{size[0]}x{size[1]} is not square, and networks are; `fit` makes images square")
    return size[0]


class LinearSchedule(PluginConfig):
    """A straight line from `start` to `end` over the kimg range, constant outside of it."""

    schedule: Literal["linear"]
    start: float = Field(description="value at from_kimg and before")
    end: float = Field(description="value at to_kimg and after")
    from_kimg: float = Field(0, ge=0, description="where the ramp begins, kimg")
    to_kimg: float = Field(gt=0, description="where the ramp ends, kimg")

    @model_validator(mode="after")
    def _forward(self) -> "LinearSchedule":
        if self.to_kimg <= self.from_kimg:
            raise ValueError(f"to_kimg must be greater than from_kimg ({self.from_kimg:g})")
        return self

    def at(self, kimg: float) -> float:
        return self.start + (self.end - self.start) * self._progress(kimg)

    def extremes(self) -> list[float]:
        return [self.start, self.end]

    def _progress(self, kimg: float) -> float:
        return min(max((kimg - self.from_kimg) / (self.to_kimg - self.from_kimg), 0.0), 1.0)


class CosineSchedule(LinearSchedule):
    """Half a cosine wave from `start` to `end` over the kimg range (R3GAN's schedules)."""

    schedule: Literal["cosine"]  # type: ignore[assignment]

    def at(self, kimg: float) -> float:
        return self.end + (self.start - self.end) * 0.5 * (1 + math.cos(math.pi * self._progress(kimg)))


class TableSchedule(PluginConfig):
    """Steps: each value holds from its kimg on. The table begins at 0."""

    schedule: Literal["table"]
    points: dict[Annotated[float, Field(strict=False)], float] = Field(min_length=1, description="kimg: value")

    @model_validator(mode="after")
    def _starts_at_zero(self) -> "TableSchedule":
        if min(self.points) != 0:
            raise ValueError("the first point must be at kimg 0")
        return self

    def at(self, kimg: float) -> float:
        return self.points[max(k for k in self.points if k <= max(kimg, 0.0))]

    def extremes(self) -> list[float]:
        return list(self.points.values())


Schedule = Annotated[LinearSchedule | CosineSchedule | TableSchedule, Field(discriminator="schedule")]
Scheduled = float | Schedule
"""The type of an option that is a number or follows a schedule over kimg; read it with `value_at`."""


def value_at(value: Scheduled, kimg: float) -> float:
    """The value of a scheduled option when `kimg` thousand real images have been shown."""
    return value.at(kimg) if isinstance(value, LinearSchedule | CosineSchedule | TableSchedule) else float(value)


def extremes(value: Scheduled) -> list[float]:
    """The smallest and the largest value of a scheduled option."""
    return value.extremes() if isinstance(value, LinearSchedule | CosineSchedule | TableSchedule) else [float(value)]


@dataclass(frozen=True)
class Bounds:
    """Bounds of a scheduled option at all times; raises ValueError if it leaves them."""

    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None

    def __call__(self, value: Scheduled) -> Scheduled:
        tests: list[tuple[str, float | None, Callable[[float, float], bool]]] = [
            ("greater than or equal to", self.ge, operator.ge),
            ("greater than", self.gt, operator.gt),
            ("less than or equal to", self.le, operator.le),
            ("less than", self.lt, operator.lt),
        ]
        for words, bound, holds in tests:
            if bound is not None and not all(holds(v, bound) for v in extremes(value)):
                raise ValueError(f"must be {words} {bound:g} throughout")
        return value


def within(
    *, ge: float | None = None, gt: float | None = None, le: float | None = None, lt: float | None = None
) -> Any:
    """Bounds for a `Scheduled` option: `gamma: Annotated[Scheduled, within(ge=0)] = 10`."""
    return AfterValidator(Bounds(ge, gt, le, lt))
