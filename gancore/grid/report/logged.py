"""What the cells logged while they trained: losses and other scalars over kimg, by the median of a few ticks."""

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence

from gancore.artifacts.log import LogLine
from gancore.grid.report.figures import Figure, curves_of, figure_of
from gancore.grid.report.results import Results

POINTS = 100
"""Most points of a line; each is the median of as many ticks as that takes."""
MOST_CELLS, MOST_FIGURES = 60, 24
"""Larger grids, and further scalars, are not drawn: the page says so."""

Scalars = Mapping[str, Sequence[tuple[float, float]]]
"""Name to (kimg, value), ascending."""


def scalars_of(ticks: Sequence[LogLine]) -> Scalars:
    """The finite values of log ticks by name, thinned to at most POINTS each."""
    found: dict[str, list[tuple[float, float]]] = {}
    for tick in ticks:
        speed = {} if tick.images_per_s is None else {"images_per_s": tick.images_per_s}
        for name, value in {**speed, **(tick.model_extra or {})}.items():
            if isinstance(value, int | float) and math.isfinite(value):
                found.setdefault(name, []).append((tick.kimg, float(value)))
    return {name: _thinned(points) for name, points in found.items()}


def figures_of_logs(results: Results) -> Iterator[Figure]:
    """A figure for each scalar and each table, if a cell logged it more than once; the losses come first."""
    if len(results.cells) > MOST_CELLS:
        return
    for name in _names(results)[:MOST_FIGURES]:
        for where in results.layout.places():
            values = {cell.name: results.scalars.get(cell.name, {}).get(name, ()) for cell in results.cells}
            curves = list(curves_of(results, values, where))
            if any(len(curve.points) > 1 for curve in curves):
                yield figure_of(results, name, where, curves, compared=False)


def left_out(results: Results) -> str:
    """What is not drawn, in a sentence; empty if all is."""
    if len(results.cells) > MOST_CELLS:
        return f"Not drawn for more than {MOST_CELLS} cells: see each cell's log.jsonl, or TensorBoard."
    more = _names(results)[MOST_FIGURES:]
    return f"Not drawn: {', '.join(more)}." if more else ""


def _names(results: Results) -> list[str]:
    names = dict.fromkeys(name for scalars in results.scalars.values() for name in scalars)
    return sorted(names, key=lambda name: (not name.startswith("loss/"), name))


def _thinned(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Medians of equal runs of points, the last at the last kimg."""
    size = math.ceil(len(points) / POINTS)
    runs = (points[i : i + size] for i in range(0, len(points), size))
    return [(run[-1][0], statistics.median(value for _, value in run)) for run in runs]
