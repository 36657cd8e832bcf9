"""Options that several commands share."""

from pathlib import Path

import click

from gancore.discovery import discover
from gancore.local_plugins import load_local
from gancore.registry import NAME, Registry

overrides = click.option(
    "-o", "--override", multiple=True, metavar="KEY=VALUE", help="Change one key of the experiment; repeatable."
)

device = click.option(
    "--device",
    default="auto",
    show_default=True,
    help="cpu, mps, cuda, cuda:N; auto takes cuda, else mps, else cpu.",
)

trust_local_plugins = click.option(
    "--trust-local-plugins",
    "trust",
    flag_value=True,
    default=None,
    help="Execute plugin files that a run or grid folder, or a model, brings along.",
)


def format_of(value: str | None) -> tuple[Registry, str | None]:
    """The plugins there are, and the name of the format that was asked for: NAME, or FILE:CLASS, which is executed.

    Raises PluginError where the file cannot be read.
    """
    registry = discover()
    if value is None or ":" not in value:
        return registry, value
    stem = Path(value.rpartition(":")[0]).stem
    name = stem if NAME.fullmatch(stem) else "given"
    return registry.with_local(load_local({"format": {name: value}}, Path(), requested=True)), name
