"""`gancore sample`: images from a trained generator."""

import math
from pathlib import Path
from typing import Literal

import click

from gancore.cli.options import device, trust_local_plugins

MOST = 10_000
"""Images that one grid may hold."""


def _png(ctx: click.Context, param: click.Parameter, value: Path) -> Path:
    if value.suffix.lower() != ".png":
        raise click.BadParameter(f"{value}: images are written as PNG; the name should end in .png")
    return value


def _finite(ctx: click.Context, param: click.Parameter, value: float) -> float:
    if not math.isfinite(value):
        raise click.BadParameter(f"{value} is not a finite number")
    return value


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    callback=_png,
    default=Path("samples.png"),
    show_default=True,
)
@click.option("--count", type=click.IntRange(1, MOST), default=64, show_default=True, help="Images in the grid.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option(
    "--truncation-psi",
    type=float,
    callback=_finite,
    default=1.0,
    show_default=True,
    help="Pull of ws towards their mean: 1 none, 0 all the way.",
)
@click.option(
    "--truncation-cutoff",
    metavar="N",
    type=int,
    help="Truncate the first N slots of ws only, those of the coarse layers; default: all.",
)
@click.option("--label", type=click.IntRange(0), help="Class index, for a conditional model; default: all in turn.")
@click.option("--noise-mode", type=click.Choice(["const", "random", "none"]), default="const", show_default=True)
@device
@trust_local_plugins
def sample(
    model: Path,
    out: Path,
    count: int,
    seed: int,
    truncation_psi: float,
    truncation_cutoff: int | None,
    label: int | None,
    noise_mode: Literal["const", "random", "none"],
    device: str,
    trust: bool | None,
) -> None:
    """Write a grid of images from MODEL, a run folder or a model file."""
    from gancore.artifacts import load
    from gancore.device import pick_device
    from gancore.evaluation.pictures import finite
    from gancore.training.samples import generate, save_grid

    where = pick_device(device, "--device")
    generator = load(model, trust_local_plugins=bool(trust)).to(where)
    save_grid(out, finite(generate(generator, count, seed, label, truncation_psi, truncation_cutoff, noise_mode)))
    click.echo(out)
