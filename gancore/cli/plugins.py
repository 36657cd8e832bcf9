"""`gancore plugins`: lists, shows, writes and checks plugins."""

import inspect
import itertools
import json
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gancore.cli.plugin_check import check
from gancore.cli.plugin_skeletons import COMMANDS, USES, class_name, kind_of, usage, write_skeleton
from gancore.discovery import FIRST_PARTY, discover
from gancore.kinds import KINDS
from gancore.registry import PluginSpec

if TYPE_CHECKING:
    from gancore.cli.plugin_options import Option

WIDTH = 100
NO_BREAK = "\u00a0"
COLUMNS = ("kind", "name", "summary", "paper", "distribution", "version")

kind_choice = click.Choice(KINDS)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for another program.")


@click.group()
def plugins() -> None:
    """List, show, write and check plugins."""


plugins.add_command(check)


@plugins.command("list")
@click.option("--kind", type=kind_choice, help="Only this kind.")
@as_json
def list_(kind: str | None, as_json: bool) -> None:
    """List all plugins, with one line on each. Distributions that are broken or clash are reported on stderr."""
    registry = discover()
    specs = registry.specs(kind)
    if as_json:
        click.echo(json.dumps([_row(spec) for spec in specs], indent=2))
    else:
        click.echo("\n".join(_table(specs)))
    for provider in registry.broken:
        click.echo(f"warning: {provider}", err=True)


@plugins.command()
@click.argument("kind", type=kind_choice)
@click.argument("name")
@as_json
def show(kind: str, name: str, as_json: bool) -> None:
    """Show a plugin: what it does, its paper and origin, its options, what it provides and requires."""
    from gancore.cli.plugin_options import table

    spec = discover().get(kind, name)
    plugin = spec.load()
    options = table(plugin.Config)
    if as_json:
        click.echo(json.dumps(_facts(spec, plugin) | {"options": [vars(option) for option in options]}, indent=2))
    else:
        click.echo("\n".join(_page(_facts(spec, plugin), options)))


@plugins.command()
@click.argument("kind", type=click.Choice([*USES, *COMMANDS]))
@click.argument("name")
@click.option(
    "--dir", "folder", type=click.Path(path_type=Path), default=Path(), help="Where to write it; default: here."
)
@click.option("--package", is_flag=True, help="Write a distribution: plugin, entry point, tests, experiment, grid.")
def new(kind: str, name: str, folder: Path, package: bool) -> None:
    """Write NAME.py, a working plugin, and print the YAML lines or the command that use it.

    With --package, write a folder gancore-NAME that pip installs and that can be published.
    """
    if package:
        from gancore.cli.plugin_package import write_package

        root = write_package(kind, name, folder)
        click.echo(f"{root} is written; README.md there says how to check, train and publish it. Begin with\n")
        click.echo(f"    cd {root} && pip install -e '.[test]' && pytest")
        return
    file = write_skeleton(kind, name, folder)
    who = "this command uses it" if kind in COMMANDS else "to use it in an experiment beside it:"
    click.echo(f"{file} is written; {who}\n")
    click.echo(textwrap.indent(usage(kind, name, file), "    "))
    click.echo(f"\nCheck it with: gancore plugins check --kind {kind_of(kind)} {file}:{class_name(name)}")


@plugins.command()
@click.argument("kind", type=kind_choice)
@click.argument("plugin", nargs=-1, required=True, metavar="NAME|FILE:CLASS...")
@click.option(
    "--grid", "file", type=click.Path(path_type=Path), help="Experiment or grid to compare in; default: small emoji."
)
@click.option("--kimg", type=click.FloatRange(0, min_open=True), help="Length of a cell; default: 4, or FILE's.")
@click.option("--seeds", type=click.IntRange(1), default=1, show_default=True, help="Cells for each plugin.")
@click.option("--workers", type=click.IntRange(1), help="Cells at a time; default: one for each GPU, or 1.")
@click.option("--out", type=click.Path(path_type=Path), help="Grid folder; default runs/compare-KIND-NAME.")
def compare(
    kind: str,
    plugin: tuple[str, ...],
    file: Path | None,
    kimg: float | None,
    seeds: int,
    workers: int | None,
    out: Path | None,
) -> None:
    """Train plugins beside built-in ones of their kind, in a small grid, and write its report.

    A cell takes about a minute of one core. The same command goes on after an interruption, and trains what is new.
    """
    from gancore.cli.plugin_compare import compare_plugins

    compare_plugins(kind, plugin, file, kimg, seeds, workers, out)


def _row(spec: PluginSpec) -> dict[str, str]:
    return {column: getattr(spec, column) for column in COLUMNS}


def _table(specs: Sequence[PluginSpec]) -> Iterator[str]:
    """Kinds as headings; below them name, summary (wrapped) and paper in columns, WIDTH wide in all."""
    name_width = max((len(spec.name) for spec in specs), default=0)
    paper_width = max((len(spec.paper) for spec in specs), default=0)
    width = WIDTH - name_width - paper_width - 6
    for kind, group in itertools.groupby(specs, key=lambda spec: spec.kind):
        yield kind
        for spec in group:
            origin = "" if spec.distribution == FIRST_PARTY else f"[{spec.origin}]".replace(" ", NO_BREAK)
            lines = textwrap.wrap(f"{spec.summary} {origin}", width, break_on_hyphens=False) or [""]
            first, *more = (line.replace(NO_BREAK, " ") for line in lines)
            yield f"  {spec.name:{name_width}}  {first:{width}}  {spec.paper}".rstrip()
            yield from (f"  {'':{name_width}}  {line}" for line in more)


def _facts(spec: PluginSpec, plugin: Any) -> dict[str, Any]:
    return _row(spec) | {
        "target": spec.target,
        "doc": "\n\n".join(filter(None, (inspect.getdoc(plugin), inspect.getdoc(inspect.getmodule(plugin))))),
        "provides": sorted(getattr(plugin, "provides", ())),
        "requires": dict(getattr(plugin, "requires", {})),
    }


def _page(facts: dict[str, Any], options: Sequence["Option"]) -> Iterator[str]:
    yield f"{facts['kind']} {facts['name']}: {facts['summary']}"
    yield ""
    if facts["doc"]:
        yield textwrap.indent(facts["doc"], "  ")
        yield ""
    yield f"paper     {facts['paper'] or 'none'}"
    yield f"origin    {facts['distribution']} {facts['version']}, {facts['target']}"
    if facts["provides"]:
        yield f"provides  {', '.join(facts['provides'])}"
    for word, why in facts["requires"].items():
        yield f"requires  {word}: {why}"
    yield ""
    yield "options" if options else "no options"
    yield from _option_lines(options)


def _option_lines(options: Sequence["Option"]) -> Iterator[str]:
    """Names in a column; beside them type, range and default, and below these the description."""
    width = max((len(option.name) for option in options), default=0) + 4
    for option in options:
        default = "required" if option.required else f"default {json.dumps(option.default)}"
        value = f"{', '.join(filter(None, (option.type, option.range)))}; {default}"
        first, *more = [line for text in (value, option.doc) for line in textwrap.wrap(text, WIDTH - width)]
        yield f"  {option.name:{width - 4}}  {first}"
        yield from (" " * width + line for line in more)
