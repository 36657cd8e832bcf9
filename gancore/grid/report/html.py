"""report.html: everything on one page that needs nothing else, neither a network nor a script to be read.

Jinja2 escapes all names, reasons and contents of files. The page forbids everything but its own style, pictures and the
one script whose hash it names, so that nothing in it could run or be fetched even so.
"""

import base64
import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from gancore.config.differences import Difference
from gancore.grid.folder import GridFolder
from gancore.grid.report.figures import figures_of, series_of
from gancore.grid.report.gallery import galleries_of
from gancore.grid.report.insides import insides_of
from gancore.grid.report.logged import figures_of_logs, left_out
from gancore.grid.report.neighbours import neighbours_of, separating, yaml_of
from gancore.grid.report.overview import overview_of
from gancore.grid.report.provenance import cell_command, facts, facts_of, grid_commands, protocols
from gancore.grid.report.remarks import counts, published_remarks, remarks
from gancore.grid.report.results import CellResult, Results
from gancore.grid.report.tables import Table, legend, snapshot_title, tables_of
from gancore.grid.report.terms import word


@dataclass(frozen=True)
class Neighbour:
    """A cell that differs on one axis, and in what its experiment does."""

    name: str
    """Its label on that axis: `discriminator residual`."""
    cell: CellResult
    differences: list[Difference]


@dataclass(frozen=True)
class Detail:
    """The details of one cell on the page."""

    cell: CellResult
    facts: list[tuple[str, str]]
    neighbours: list[Neighbour]
    yaml: str
    command: str


def as_html(results: Results, folder: GridFolder) -> str:
    """The page."""
    loader = PackageLoader("gancore.grid.report", "templates")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    style, script = (Markup(loader.get_source(environment, name)[0]) for name in ("report.css", "report.js"))
    tables = tables_of(results)
    return environment.get_template("report.html").render(
        results=results,
        style=style,
        script=script,
        script_hash=_hash(script),
        counts=counts(results),
        remarks=list(remarks(results)),
        spreads=list(_side_by_side(tables)),
        legend=list(legend(tables)),
        published=published_remarks(results),
        figures=list(figures_of(results)),
        logged=list(figures_of_logs(results)),
        not_drawn=left_out(results),
        colour_axis=results.layout.names.get(results.layout.colour_axis, ""),
        series=series_of(results),
        galleries=list(galleries_of(results, folder)),
        insides=list(insides_of(results, folder)),
        overview=overview_of(results),
        details=list(_details(results, folder)),
        ids={cell.name: f"cell-{number}" for number, cell in enumerate(results.cells, 1)},
        facts=facts(results),
        protocols=protocols(results),
        commands=grid_commands(results),
        svg=Markup,
        word=word,
        snapshot_title=snapshot_title,
    )


def _side_by_side(tables: list[Table]) -> Iterator[list[Table]]:
    """Tables of the same scores and place: final and best snapshot."""
    for _, group in itertools.groupby(tables, key=lambda table: (table.scores, table.where)):
        yield list(group)


def _details(results: Results, folder: GridFolder) -> Iterator[Detail]:
    names, neighbours = results.layout.names, neighbours_of(results.cells)
    for cell in results.cells:
        beside = [
            Neighbour(f"{names[axis]} {other.axes[axis]}", other, separating(results.experiments, cell, other))
            for axis, other in neighbours[cell.name]
        ]
        yaml = yaml_of(folder, cell.name) if cell.name in results.experiments else ""
        yield Detail(cell, facts_of(cell), beside, yaml, cell_command(results, cell))


def _hash(script: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode('ascii')}"
