"""`gancore runs`: lists run folders, and compares two of them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from gancore.errors import ConfigError, RunError

LAST = 32
"""The list reads so many lines at the end of each log; `gancore verify` reads all."""


@click.group()
def runs() -> None:
    """List and compare runs."""


@runs.command("list")
@click.argument("folder", type=click.Path(path_type=Path), default=Path("runs"))
@click.option("--json", "as_json", is_flag=True, help="Print JSON for another program.")
def list_(folder: Path, as_json: bool) -> None:
    """List the run folders below FOLDER (default: runs), with their progress."""
    if not folder.is_dir():
        raise RunError(f"{folder}: there is no such folder")
    found = [_facts(path.parent) for path in sorted(folder.rglob("environment.json")) if _is_run(path.parent)]
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        click.echo("\n".join(_table(found)) if found else f"no runs in {folder}")
        for run in found:
            for damage in run["damage"]:
                click.echo(f"{run['run']}: {damage}", err=True)


@runs.command()
@click.argument("first", type=click.Path(path_type=Path))
@click.argument("second", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON for another program.")
def diff(first: Path, second: Path, as_json: bool) -> None:
    """Print the keys in which the runs FIRST and SECOND differ, `key: first -> second`.

    Compared are the experiments, the environments (versions, device, threads, data) and the last scores.
    """
    from gancore.config.differences import differences

    found = differences(_described(first), _described(second))
    if as_json:
        click.echo(json.dumps([difference.to_dict() for difference in found], indent=2))
    else:
        click.echo("".join(f"{difference}\n" for difference in found), nl=False)


def _is_run(folder: Path) -> bool:
    return (folder / "config.yaml").is_file()


def _facts(folder: Path) -> dict[str, Any]:
    """The progress of a run, if its files can be read, and the damage of others, as far as the list looks."""
    from gancore.artifacts import RunFolder, log, scores

    run, target = RunFolder(folder), None
    damage: list[str] = []
    try:
        target = run.target_kimg()
    except ConfigError:
        damage.append("config.yaml: its section `training` cannot be read")
    except RunError as error:
        damage.append(str(error).splitlines()[0].removeprefix(f"{folder}/"))
    ticks, measured = log.read(run, last=LAST), scores.read(run.metrics, last=LAST)
    return {
        "run": str(folder),
        "kimg": log.kimg_reached(run, ticks.records),
        "target_kimg": target,
        "images_per_s": log.speed(ticks.records),
        "scores": {name: score.value for name, score in measured.final.items()},
        "damage": [*damage, *ticks.damage, *measured.damage],
    }


def _described(folder: Path) -> dict[str, Any]:
    """Experiment, environment and last scores of a run. Raises RunError if there is none, or it is damaged."""
    from gancore.artifacts import RunFolder, environment, scores

    if not _is_run(folder):
        raise RunError(f"{folder}: no run here; expected a folder with config.yaml, which `gancore train` makes")
    run = RunFolder(folder)
    try:
        about = environment.read(run).to_dict()
    except FileNotFoundError:
        raise RunError(f"{run.environment}: there is no such file; not a whole run") from None
    final = {name: score.value for name, score in scores.read(run.metrics).final.items()}
    return {**run.read_config(), "environment": about, "scores": final}


def _table(found: list[dict[str, Any]]) -> Iterator[str]:
    rows = [("run", "kimg", "images/s", "scores")]
    for run in found:
        scores = ", ".join(f"{name} {value:.4g}" for name, value in run["scores"].items())
        target = "?" if run["target_kimg"] is None else f"{run['target_kimg']:g}"
        rate = f"{run['images_per_s']:.1f}" if run["images_per_s"] else ""
        rows.append((run["run"], f"{run['kimg']:.4g}/{target}", rate, scores))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
