"""`gancore cite`: the papers behind an experiment."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from gancore.cli.options import overrides, trust_local_plugins
from gancore.errors import ConfigError, PluginError
from gancore.registry import Registry


@click.command()
@click.argument("source", metavar="RUN|GRID|FILE", type=click.Path(path_type=Path))
@overrides
@click.option("--json", "as_json", is_flag=True, help="Print JSON for another program.")
@trust_local_plugins
def cite(source: Path, override: tuple[str, ...], as_json: bool, trust: bool | None) -> None:
    """Print the papers behind a run or an experiment, from the plugins it is composed of.

    Of a grid, or its folder, the papers behind all of its cells. Code of local plugins in a run folder is not executed.
    """
    from gancore.discovery import discover

    registry = discover()
    papers: dict[str, list[str]] = {}
    for experiment in _experiments(source, override, trust):
        for kind, name in _chosen(experiment):
            part = f"{kind} {name}"
            parts = papers.setdefault(_paper(registry, kind, name), [])
            parts += [part] * (part not in parts)
    if as_json:
        click.echo(json.dumps([{"paper": paper or None, "parts": parts} for paper, parts in papers.items()], indent=2))
    else:
        click.echo("\n".join(_lines(papers)))


def _experiments(source: Path, override: tuple[str, ...], trust: bool | None) -> list[dict[str, Any]]:
    """Resolved experiments as plain data."""
    if source.is_dir():
        from gancore.config.slots import named
        from gancore.config.yaml.reader import read

        if override:
            raise click.UsageError("overrides are for an experiment's file; a run cannot change")
        cells = sorted(source.glob("cells/*.yaml"))  # of a grid folder
        return [named(read(file)).data for file in cells or [source / "config.yaml"]]
    from gancore.config import load_experiment

    experiment = load_experiment(source, override, trusted=trust)
    if experiment.grid is None:
        return [experiment.to_dict()]
    from gancore.grid.cells import cells_of

    return [cell.experiment.to_dict() for cell in cells_of(experiment)]


def _chosen(experiment: Any) -> Iterator[tuple[str, str]]:
    """Kind and name of every plugin of an experiment, without metrics and features."""
    from gancore.config.slots import written
    from gancore.config.yaml.document import find

    for keys, slot in written(experiment):
        part = find(experiment, keys)
        if slot.kind and keys[0] != "evaluation" and not slot.beside and isinstance(part, dict):
            yield slot.kind, str(part.get("use", slot.default_at(keys)))


def _paper(registry: Registry, kind: str, name: str) -> str:
    """The paper of a plugin; none if it has none, or is not installed (a local one)."""
    try:
        return registry.get(kind, name).paper
    except (PluginError, ConfigError):
        return ""


def _lines(papers: dict[str, list[str]]) -> Iterator[str]:
    for paper, parts in papers.items():
        if paper:
            scheme, _, number = paper.partition(":")
            address = f"  https://arxiv.org/abs/{number}" if scheme == "arXiv" else ""
            yield f"{paper}{address}\n    {', '.join(parts)}"
    if unpublished := papers.get("", []):
        yield f"without a paper\n    {', '.join(unpublished)}"
