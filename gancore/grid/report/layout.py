"""Which axis is in rows, which in columns, and which have a table for each of their labels."""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from gancore.grid.points import short_names

Results = Mapping[str, Any]

AS_PAPERS_PRINT = ("generator.use", "discriminator.use")
"""Rows and columns, in grids that have both axes; other grids have their first two."""


def table_axes(results: Results) -> tuple[str, str]:
    """The axes in rows and in columns; "" where there is none."""
    axes = list(results["axes"])
    if set(AS_PAPERS_PRINT) <= set(axes):
        return AS_PAPERS_PRINT
    row, column = [*axes, "", ""][:2]
    return row, column


def labels_of(results: Results, axis: str) -> list[str]:
    """The labels of an axis; one without words for "", so that there is a row or column all the same."""
    return results["axes"].get(axis, [""])


def colour_axis(results: Results) -> str:
    """The axis whose labels have colours: that in columns, or the only one."""
    row, column = table_axes(results)
    return column or row


def places(results: Results) -> Iterator[dict[str, str]]:
    """What each table stands for: a label of every axis that is neither in rows nor in columns."""
    others = {axis: labels for axis, labels in results["axes"].items() if axis not in table_axes(results)}
    for labels in itertools.product(*others.values()):
        yield dict(zip(others, labels, strict=True))


def place_title(results: Results, where: Mapping[str, str]) -> str:
    """`normalization pin, loss hinge`."""
    names = short_names(results["axes"])
    return ", ".join(f"{names[axis]} {label}" for axis, label in where.items())


def corner(results: Results) -> str:
    """What stands above the rows' labels: `generator \\ discriminator`."""
    names = short_names(results["axes"])
    return " \\ ".join(names[axis] for axis in table_axes(results) if axis)
