"""Options that several commands share."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gancore.discovery import discover
from gancore.local_plugins import load_local
from gancore.registry import NAME, Registry

if TYPE_CHECKING:
    from gancore.config import Experiment

overrides = click.option(
    "-o", "--override", multiple=True, metavar="KEY=VALUE", help="Change one key of the experiment; repeatable."
)

device = click.option(
    "--device",
    default="auto",
    show_default=True,
    help="cpu, mps, cuda, cuda:N; auto takes cuda, else mps, else cpu.",
)

data_at = click.option(
    "--data",
    "place",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Where the data are on this machine; what they are is compared when a run goes on.",
)


def load_at(file: Path, override: Sequence[str], trust: bool | None, place: Path | None) -> "Experiment":
    """An experiment with the overrides of a command line, its data at `place`. Raises ConfigError, DataError."""
    from gancore.config import load_experiment
    from gancore.config.yaml.scalars import inline

    experiment = load_experiment(file, override, trusted=trust)
    if place is None:
        return experiment
    from gancore.data.sources import moved

    changes = [f"{key}={inline(value)}" for key, value in moved(experiment, place).items()]
    return load_experiment(file, [*override, *changes], trusted=trust)


trust_local_plugins = click.option(
    "--trust-local-plugins",
    "trust",
    flag_value=True,
    default=None,
    help="Execute the plugin files of a run or grid folder, or of a model.",
)


def format_of(value: str | None) -> tuple[Registry, str | None]:
    """All plugins, and the name of the requested format: NAME, or FILE:CLASS, which is executed.

    Raises PluginError where the file cannot be read.
    """
    registry = discover()
    if value is None or ":" not in value:
        return registry, value
    stem = Path(value.rpartition(":")[0]).stem
    name = stem if NAME.fullmatch(stem) else "given"
    return registry.with_local(load_local({"format": {name: value}}, Path(), requested=True)), name
