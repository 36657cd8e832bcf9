"""`gancore analyze`: figures and numbers of a trained model."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gancore.cli.options import device, trust_local_plugins

if TYPE_CHECKING:
    from gancore.analysis.record import Record

ALL = "all"


@click.command()
@click.argument("target", metavar="RUN|MODEL", type=click.Path(path_type=Path))
@click.option(
    "--analysis",
    "analyses",
    metavar="PART,...",
    required=True,
    help="NAME or {use: NAME, ...}; all: every one that applies, and why the others do not.",
)
@click.option(
    "--option",
    "options",
    multiple=True,
    metavar="KEY=VALUE",
    help="An option of every named analysis that has it; repeatable.",
)
@click.option("--count", type=click.IntRange(2, 1_000_000), help="Samples; default: those of each analysis.")
@click.option("--seeds", metavar="N,...", help="0,1,2 or 0-4: one after another, for mean and spread; default: 0.")
@click.option(
    "--real", metavar="SOURCE", help="Folder, zip, experiment or dataset plugin; default: the run's own data."
)
@click.option("--features", metavar="PART", help="Feature plugin; default: the first of each analysis's own.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of figures and numbers; default: RUN/analyses, or analyses beside MODEL.",
)
@device
@click.option("--json", "as_json", is_flag=True, help="Print a list of records as JSON.")
@trust_local_plugins
def analyze(
    target: Path,
    analyses: str,
    options: tuple[str, ...],
    count: int | None,
    seeds: str | None,
    real: str | None,
    features: str | None,
    out: Path | None,
    device: str,
    as_json: bool,
    trust: bool | None,
) -> None:
    """Analyze RUN or MODEL: figures as PNG and SVG, numbers as JSON with their protocol."""
    from gancore.analysis.run import analyze as run_analyses
    from gancore.analysis.run import analyze_all

    asked: dict[str, Any] = {
        "real": real,
        "features": None if features is None else _as_yaml(features, "--features"),
        "count": count,
        "seeds": None if seeds is None else _seeds(seeds),
        "device": device,
        "trust_local_plugins": bool(trust),
    }
    records: Iterable[Record]
    if analyses == ALL:
        records, refused = analyze_all(target, **asked)
        for name, reason in refused.items():
            click.echo(f"{name}: {reason}", err=True)
    else:
        parts = _as_yaml(f"[{analyses}]", "--analysis")
        records = run_analyses(target, _with_options(parts, options), **asked)
    folder = out or (target if target.is_dir() else target.parent) / "analyses"
    found = []
    for record in records:
        numbers, *figures = record.write(folder)
        found.append(record.to_dict([path.name for path in figures]))
        if not as_json:
            click.echo("\n".join([*record.lines(), str(numbers), *map(str, figures)]))
    if as_json:
        click.echo(json.dumps(found, indent=2))


def _with_options(parts: list[Any], options: tuple[str, ...]) -> list[Any]:
    """The analyses with the options beside them, each for those that have it. Raises GancoreError if none has."""
    from gancore.discovery import discover
    from gancore.errors import GancoreError, did_you_mean

    named = [{"use": part} if isinstance(part, str) else part for part in parts]
    for option in options:
        key, equals, text = option.partition("=")
        if not equals or not key:
            raise click.BadParameter(f"{option}: expected KEY=VALUE", param_hint="--option")
        value = _as_yaml(text, "--option")
        known = [
            discover().get("analysis", str(part.get("use"))).load().Config.model_fields
            for part in named
            if isinstance(part, dict)
        ]
        if not any(key in fields for fields in known):
            every = {name for fields in known for name in fields}
            raise GancoreError(f"--option {option}: no such option; {did_you_mean(key, every)}")
        named = [{**part, key: value} if key in fields else part for part, fields in zip(named, known, strict=True)]
    return named


def _seeds(text: str) -> list[int]:
    """`0,1,2` or `0-4`."""
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()) or len(first + last) > 18:
            raise click.BadParameter(f"{text}: expected whole numbers from 0: 0,1,2 or 0-4", param_hint="--seeds")
        end = int(last) if dash else int(first)
        if end - int(first) >= 1000:
            raise click.BadParameter(f"{text}: at most 1000 seeds", param_hint="--seeds")
        found += range(int(first), end + 1)
    if not found:
        raise click.BadParameter(f"{text}: no seed", param_hint="--seeds")
    return found


def _as_yaml(text: str, option: str) -> Any:
    """The value of an option. Raises ConfigError that names it."""
    from gancore.config.yaml.reader import parse

    return parse(text, f"{option} {text}", lines=False).data
