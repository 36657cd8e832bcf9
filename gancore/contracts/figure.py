"""Figures as data: what an analysis shows. gancore.analysis draws them, as PNG and SVG, in one style."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from gancore.contracts.metric import Value


@dataclass(frozen=True)
class Picture:
    """An image [C, H, W], nominal range [-1, 1], with a note below it."""

    pixels: Tensor
    note: str = ""


@dataclass(frozen=True)
class HeatMap:
    """Values [H, W] in colours of the grid's scale. mark: (row, column) of a ring around a place, in pixels."""

    values: Tensor
    note: str = ""
    mark: tuple[float, float] | None = None


@dataclass(frozen=True)
class ColourScale:
    """What the colours of heat maps mean. low, high: the ends (None: of all values shown).

    diverging: two hues that meet in white, at the middle of `low` and `high`; else dark to light.
    each: every map has its own scale, from its smallest to its largest value.
    """

    label: str
    low: float | None = None
    high: float | None = None
    logarithmic: bool = False
    diverging: bool = False
    each: bool = False


@dataclass(frozen=True)
class Grid:
    """Tiles in rows and columns; None leaves a place empty."""

    name: str
    title: str
    tiles: Sequence[Sequence[Picture | HeatMap | None]]
    rows: Sequence[str] = ()
    columns: Sequence[str] = ()
    scale: ColourScale | None = None
    caption: str = ""


@dataclass(frozen=True)
class Line:
    """A curve through (x, y). low, high: the ends of a band around y. quiet: grey, for comparison. joined: whether a
    line passes the points."""

    label: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] | None = None
    high: Sequence[float] | None = None
    quiet: bool = False
    dots: bool = False
    joined: bool = True


@dataclass(frozen=True)
class Chart:
    """Curves over a common x. kind: "lines", or "stacked" areas whose sum is the uppermost edge.

    ticks: names of places on the x axis, instead of numbers. level: a horizontal line, with its name.
    """

    name: str
    title: str
    x_label: str
    y_label: str
    lines: Sequence[Line]
    kind: Literal["lines", "stacked"] = "lines"
    log_x: bool = False
    log_y: bool = False
    ticks: Mapping[float, str] | None = None
    level: tuple[float, str] | None = None
    caption: str = ""


@dataclass(frozen=True)
class Histogram:
    """Distributions of samples, by label."""

    name: str
    title: str
    x_label: str
    samples: Mapping[str, Sequence[float]]
    log_x: bool = False
    caption: str = ""


@dataclass(frozen=True)
class Bars:
    """A group of bars for each label of `groups`, one bar a series; whiskers where a value has a spread."""

    name: str
    title: str
    y_label: str
    groups: Sequence[str]
    series: Mapping[str, Sequence[Value]]
    caption: str = ""


@dataclass(frozen=True)
class Film:
    """Frames [T, C, H, W], nominal range [-1, 1]; written as GIF and APNG, and as MP4 where PyAV is installed."""

    name: str
    title: str
    frames: Tensor
    per_second: float = 12.0


Figure = Grid | Chart | Histogram | Bars | Film
