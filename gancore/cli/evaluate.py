"""`gancore evaluate`: scores of a run, a model, or images."""

import json
import re
from pathlib import Path
from typing import Any

import click

from gancore.cli.options import data_at, device, trust_local_plugins


@click.command()
@click.argument("target", type=click.Path(path_type=Path))
@click.option(
    "--real", metavar="SOURCE", help="Folder, zip, experiment or dataset plugin; default: the run's own data."
)
@data_at
@click.option("--metrics", metavar="PART,...", help="NAME or {use: NAME, ...}; default: the run's own, else fid.")
@click.option("--features", metavar="PART", help="NAME or {use: NAME, ...}; default: the run's own, else inception.")
@click.option("--samples", type=click.IntRange(2), help="Generated images; default: the protocol's, 50,000.")
@click.option("--reals", type=click.IntRange(2), help="Real images compared with; default: all.")
@click.option("--repeat", type=click.IntRange(1), help="Evaluations with new seeds; default: 1.")
@click.option("--seed", type=click.IntRange(0), help="Of latents, labels and noise; default: 0.")
@click.option(
    "--fit", type=click.Choice(["resize", "crop", "pad", "wide"]), help="What to do with images of another size."
)
@click.option("--batch", type=click.IntRange(1), default=64, show_default=True, help="Images at a time.")
@device
@click.option("--json", "as_json", is_flag=True, help="Print a list of scores as JSON.")
@trust_local_plugins
def evaluate(
    target: Path,
    real: str | None,
    place: Path | None,
    metrics: str | None,
    features: str | None,
    samples: int | None,
    reals: int | None,
    repeat: int | None,
    seed: int | None,
    fit: str | None,
    batch: int,
    device: str,
    as_json: bool,
    trust: bool | None,
) -> None:
    """Compute metrics of TARGET: a run folder, a model file, or a folder or archive of images.

    A part with options is written as in YAML: --features '{use: timm, model: resnet50}'. The name of a score
    with other than the metric's standard features contains them, like fid[embedded].
    Processes that torchrun starts share the images; the first one prints.
    """
    from gancore.device import own_device
    from gancore.evaluation import evaluate as run_evaluation
    from gancore.evaluation.sharing import Sharing, shared_by
    from gancore.training.distribution import joined

    where = own_device(device)
    with joined(where) as processes, shared_by(Sharing(processes.rank, processes.size, processes.control)):
        scores = run_evaluation(
            target,
            metrics=None if metrics is None else _metrics(metrics),
            real=real,
            data=place,
            features=None if features is None else _as_yaml(features, "--features", features),
            samples=samples,
            reals=reals,
            repeat=repeat,
            seed=seed,
            fit=fit,
            batch=batch,
            device=where,
            trust_local_plugins=bool(trust),
        )
    if processes.first:
        found = [score.to_dict() for score in scores]
        click.echo(json.dumps(found, indent=2) if as_json else "\n".join(map(str, scores)))


def _metrics(given: str) -> Any:
    """The value of --metrics, which does not accept the name of a score: features have a separate option."""
    if found := re.search(r"(\w+)\[([\w-]+)\]", given):
        raise click.BadParameter(
            f"{found[0]} is the name of a score; use {found[1]}, and choose its features with --features",
            param_hint="--metrics",
        )
    return _as_yaml(f"[{given}]", "--metrics", given)


def _as_yaml(text: str, option: str, given: str) -> Any:
    """The value of an option. Raises ConfigError that names it."""
    from gancore.config.yaml.reader import parse

    return parse(text, f"{option} {given}", lines=False).data
