"""Which axis is in rows, which in columns, and which have a table for each of their labels."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gancore.grid.combinations import short_names

AS_PAPERS_PRINT = ("generator.use", "discriminator.use")
"""Rows and columns, in grids that have both axes; other grids have their first two."""


@dataclass(frozen=True)
class Layout:
    """The layout of a grid's tables, figures and galleries. axes: axis to labels, without the seeds."""

    axes: Mapping[str, Sequence[str]]

    @property
    def table_axes(self) -> tuple[str, str]:
        """The axes in rows and in columns; "" where there is none."""
        if set(AS_PAPERS_PRINT) <= self.axes.keys():
            return AS_PAPERS_PRINT
        row, column = [*self.axes, "", ""][:2]
        return row, column

    @property
    def names(self) -> dict[str, str]:
        """The names of the axes."""
        return short_names(self.axes)

    def labels_of(self, axis: str) -> Sequence[str]:
        """The labels of an axis; one empty label for the axis "", so that there is a row or column all the same."""
        return self.axes.get(axis, [""])

    @property
    def colour_axis(self) -> str:
        """The axis whose labels have colours: that in columns, or the only one."""
        row, column = self.table_axes
        return column or row

    def places(self) -> Iterator[dict[str, str]]:
        """The tables: a label of every axis that is neither in rows nor in columns."""
        others = {axis: labels for axis, labels in self.axes.items() if axis not in self.table_axes}
        for labels in itertools.product(*others.values()):
            yield dict(zip(others, labels, strict=True))

    def title_of(self, where: Mapping[str, str]) -> str:
        """`normalization pin, loss hinge`."""
        return ", ".join(f"{self.names[axis]} {label}" for axis, label in where.items())

    @property
    def corner(self) -> str:
        """The heading of the rows' labels: `generator \\ discriminator`."""
        return " \\ ".join(self.names[axis] for axis in self.table_axes if axis)
