"""`gancore plugins`: what plugins there are, and what one of them is."""

import inspect
import itertools
import json
import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from gancore.discovery import FIRST_PARTY, discover
from gancore.kinds import KINDS
from gancore.registry import PluginSpec

if TYPE_CHECKING:
    from gancore.cli.plugin_options import Option

WIDTH = 100
COLUMNS = ("kind", "name", "summary", "paper", "distribution", "version")

kind_choice = click.Choice(KINDS)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for another program.")


@click.group()
def plugins() -> None:
    """List, show, write and check plugins."""


@plugins.command("list")
@click.option("--kind", type=kind_choice, help="Only this kind.")
@as_json
def list_(kind: str | None, as_json: bool) -> None:
    """List all plugins, with one line on each. Distributions that are broken or clash are told on stderr."""
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
    from gancore.cli.plugin_options import describe

    spec = discover().get(kind, name)
    plugin = spec.load()
    options = describe(plugin.Config)
    if as_json:
        click.echo(json.dumps(_facts(spec, plugin) | {"options": [vars(option) for option in options]}, indent=2))
    else:
        click.echo("\n".join(_page(_facts(spec, plugin), options)))


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
            origin = "" if spec.distribution == FIRST_PARTY else f" [{spec.origin}]"
            first, *more = textwrap.wrap(spec.summary + origin, width) or [""]
            yield f"  {spec.name:{name_width}}  {first:{width}}  {spec.paper}".rstrip()
            yield from (f"  {'':{name_width}}  {line}" for line in more)


def _facts(spec: PluginSpec, plugin: Any) -> dict[str, Any]:
    return _row(spec) | {
        "target": spec.target,
        "doc": inspect.getdoc(plugin) or "",
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
    """Name, type with range, and default in columns; the description below where there is one."""
    names = max((len(option.name) for option in options), default=0)
    values = max((len(option.value) for option in options), default=0)
    for option in options:
        default = "required" if option.required else f"default {json.dumps(option.default)}"
        yield f"  {option.name:{names}}  {option.value:{min(values, 50)}}  {default}"
        yield from textwrap.wrap(option.doc, WIDTH, initial_indent="      ", subsequent_indent="      ")
