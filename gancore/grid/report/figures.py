"""Values over kimg as SVG: one panel for each row of the tables, one colour for each column.

Every panel has the same scales and, in grey, the lines of the other panels, so that they can be compared. Colours are
classes (`series-0`, `series-1`, ...) that the page styles, lighter in the dark; without a page they are black.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from gancore.drawing.scales import LINE, Scale, apart
from gancore.grid.report.results import Results
from gancore.grid.report.terms import word

COLOURS = 8
WIDTH, HEIGHT = 320.0, 220.0
LEFT, RIGHT, TOP, BOTTOM = 44.0, 74.0, 26.0, 30.0
LOG_FROM = 4.0
"""Ratio of largest to smallest value from which the scale is logarithmic."""


@dataclass(frozen=True)
class Figure:
    """The panels of one score or scalar, as SVG, each with its title."""

    title: str
    where: str
    logarithmic: bool
    panels: Sequence[str]


@dataclass(frozen=True)
class Curve:
    """One cell's values of a score: (kimg, value), ascending."""

    cell: str
    panel: str
    label: str
    series: int
    points: Sequence[tuple[float, float]]


def figures_of(results: Results) -> Iterator[Figure]:
    """A figure for each score and each table, if a cell was evaluated more than once."""
    for score in results.scores:
        for where in results.layout.places():
            values = {
                cell.name: [(at.kimg, at.scores[score]) for at in cell.history if score in at.scores]
                for cell in results.cells
            }
            curves = list(curves_of(results, values, where))
            if any(len(curve.points) > 1 for curve in curves):
                yield figure_of(results, word(score), where, curves)


def series_of(results: Results) -> dict[str, int]:
    """Label of the colour axis to the number of its colour."""
    return {label: index % COLOURS for index, label in enumerate(results.layout.labels_of(results.layout.colour_axis))}


def curves_of(
    results: Results, values: Mapping[str, Sequence[tuple[float, float]]], where: Mapping[str, str]
) -> Iterator[Curve]:
    """The curves of a table's cells, from their (kimg, value) by the name of the cell."""
    axis, series = results.layout.colour_axis, series_of(results)
    panel_axis = _panel_axis(results)
    for cell in results.cells:
        points = values.get(cell.name)
        if points and all(cell.axes[key] == label for key, label in where.items()):
            label = cell.axes.get(axis, "")
            yield Curve(cell.name, cell.axes.get(panel_axis, ""), label, series[label], sorted(points))


def _panel_axis(results: Results) -> str:
    """The axis in rows, where that in columns has the colours."""
    row, column = results.layout.table_axes
    return row if column else ""


def figure_of(
    results: Results, name: str, where: Mapping[str, str], curves: Sequence[Curve], compared: bool = True
) -> Figure:
    """The panels of a value. `compared`: with a dot for each point, and the other panels' lines in grey."""
    values = [value for curve in curves for _, value in curve.points]
    logarithmic = min(values) > 0 and max(values) / min(values) >= LOG_FROM
    x = Scale.linear(0, max(max(kimg for curve in curves for kimg, _ in curve.points), 1e-9), LEFT, WIDTH - RIGHT)
    ends = HEIGHT - BOTTOM, TOP
    y = Scale.logarithmic(min(values), max(values), *ends) if logarithmic else Scale.padded(values, *ends)
    axis = results.layout.names.get(_panel_axis(results), "")
    panels = [
        _panel(
            f"{axis} {label}".strip(), name, [c for c in curves if c.panel == label], curves if compared else (), x, y
        )
        for label in dict.fromkeys(curve.panel for curve in curves)
    ]
    return Figure(name, results.layout.title_of(where), logarithmic, panels)


# -- drawing --------------------------------------------------------------------------------------------------------


def _panel(title: str, ylabel: str, own: Sequence[Curve], curves: Sequence[Curve], x: Scale, y: Scale) -> str:
    label = f"{ylabel} over kimg{', ' + title if title else ''}"
    svg = Element("svg", {"viewBox": f"0 0 {WIDTH:g} {HEIGHT:g}", "class": "panel", "role": "img", "aria-label": label})
    _text(svg, LEFT, 14, title or ylabel, "panel-title")
    for value in y.ticks:
        SubElement(svg, "line", _ends(LEFT, y(value), WIDTH - RIGHT, y(value)) | {"class": "grid"})
        _text(svg, LEFT - 6, y(value) + 3.5, f"{value:g}", "tick end")
    for value in x.ticks:
        unit = " kimg" if value == x.ticks[-1] else ""
        _text(svg, x(value), HEIGHT - BOTTOM + 14, f"{value:g}{unit}", "tick middle")
    SubElement(svg, "line", _ends(LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM) | {"class": "axis"})
    for curve in curves:
        if curve not in own:
            _line(svg, curve, x, y, "context")
    for curve in own:
        _line(svg, curve, x, y, f"series-{curve.series}", dotted=bool(curves) or len(curve.points) == 1)
    _labels(svg, own, y)
    return ElementTree.tostring(svg, encoding="unicode")


def _line(svg: Element, curve: Curve, x: Scale, y: Scale, kind: str, dotted: bool = False) -> None:
    """A line, with a dot for each point if `dotted`."""
    group = SubElement(svg, "g", {"class": f"curve {kind}"})
    places = [(x(kimg), y(value)) for kimg, value in curve.points]
    if len(places) > 1:
        line = SubElement(
            group, "polyline", {"points": " ".join(f"{a:.4g},{b:.4g}" for a, b in places), "fill": "none"}
        )
        if kind != "context":
            SubElement(line, "title").text = curve.cell
    if not dotted and len(places) > 1:
        return
    for (a, b), (kimg, value) in zip(places, curve.points, strict=True):
        dot = SubElement(group, "circle", {"cx": f"{a:g}", "cy": f"{b:g}", "r": "2"})
        SubElement(dot, "title").text = f"{curve.cell}\n{value:.4g} at {kimg:g} kimg"


def _labels(svg: Element, curves: Sequence[Curve], y: Scale) -> None:
    """The curves' labels at their ends, the mean of several seeds, moved apart where they would overlap."""
    ends: dict[str, list[Curve]] = {}
    for curve in curves:
        ends.setdefault(curve.label, []).append(curve)
    wanted = {label: sum(y(c.points[-1][1]) for c in found) / len(found) for label, found in ends.items() if label}
    for label, place in apart(wanted, TOP, HEIGHT - BOTTOM - LINE / 2).items():
        _text(svg, WIDTH - RIGHT + 8, place + 3.5, label, f"label series-{ends[label][0].series}")


def _text(svg: Element, x: float, y: float, text: str, kind: str) -> None:
    SubElement(svg, "text", {"x": f"{x:g}", "y": f"{y:g}", "class": kind}).text = text


def _ends(x1: float, y1: float, x2: float, y2: float) -> dict[str, str]:
    return {"x1": f"{x1:g}", "y1": f"{y1:g}", "x2": f"{x2:g}", "y2": f"{y2:g}"}
