"""`gancore sample`: images from a trained generator."""

import math
from pathlib import Path
from typing import Literal

import click

from gancore.cli.options import device, trust_local_plugins

MOST = 1_000_000
"""Images of one command."""


def _finite(ctx: click.Context, param: click.Parameter, value: tuple[float, ...]) -> tuple[float, ...]:
    for number in value:
        if not math.isfinite(number):
            raise click.BadParameter(f"{number} is not a finite number")
    return value


def _seeds(ctx: click.Context, param: click.Parameter, value: str | None) -> list[int] | None:
    """ "0-99,777" to numbers."""
    if value is None:
        return None
    found: list[int] = []
    for part in value.split(","):
        first, dash, last = part.strip().partition("-")
        ends = [first, last] if dash else [first]
        if not all(end.isdecimal() and len(end) < 19 for end in ends) or int(ends[-1]) < int(ends[0]):
            raise click.BadParameter(f"{part.strip()!r} is neither a seed, 777, nor a range of seeds, 0-99")
        if int(ends[-1]) - int(ends[0]) + len(found) >= MOST:
            raise click.BadParameter(f"more than {MOST:,} seeds")
        found += range(int(ends[0]), int(ends[-1]) + 1)
    return list(dict.fromkeys(found))


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("samples.png"),
    show_default=True,
    help="A grid as .png, .jpg or .webp; arrays as .npz (float32, not clamped); without an ending, a folder of PNG.",
)
@click.option("--count", type=click.IntRange(1, MOST), help="Images; default: 64, or 8 in a row with lists.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--seeds", callback=_seeds, metavar="0-99,777", help="Image 0 of each of these seeds, instead.")
@click.option(
    "--latents",
    type=click.Path(path_type=Path),
    help="z [N, z_dim] or ws [N, num_ws, w_dim], instead: .npy, .npz, .safetensors, .pt; label may accompany them.",
)
@click.option(
    "--truncation-psi",
    type=float,
    callback=_finite,
    multiple=True,
    default=[1.0],
    show_default="1.0",
    help="Pull of ws towards their mean: 1 none, 0 all the way. Repeated: a row of the grid for each.",
)
@click.option(
    "--truncation-cutoff",
    metavar="N",
    type=int,
    help="Truncate only the first N ws, those of the coarse layers; default: all.",
)
@click.option(
    "--truncation-mean",
    type=click.Choice(["all", "class"]),
    default="all",
    show_default=True,
    help="Truncate towards the mean of w over all classes, as published, or of the image's class.",
)
@click.option(
    "--label",
    metavar="CLASS",
    multiple=True,
    help="Class of a conditional model, by name or number; default: all in turn. Repeated: a row of the grid for each.",
)
@click.option("--noise-mode", type=click.Choice(["const", "random", "none"]), default="const", show_default=True)
@device
@trust_local_plugins
def sample(
    model: Path,
    out: Path,
    count: int | None,
    seed: int,
    seeds: list[int] | None,
    latents: Path | None,
    truncation_psi: tuple[float, ...],
    truncation_cutoff: int | None,
    truncation_mean: Literal["all", "class"],
    label: tuple[str, ...],
    noise_mode: Literal["const", "random", "none"],
    device: str,
    trust: bool | None,
) -> None:
    """Write images from MODEL, a run folder or a model file. Image i of a seed does not depend on the count.

    \b
    gancore sample RUN                                   a grid of 64, samples.png
    gancore sample RUN --count 50000 --out images        a folder with a PNG for each
    gancore sample RUN --seeds 0-99,777 --out images     image 0 of each seed, the seed in its name
    gancore sample RUN --label 0 --label 3 --truncation-psi 0.5 --truncation-psi 1
    """
    if sum(given is not None for given in (seeds, latents, count)) > 1:
        raise click.UsageError("--count, --seeds and --latents exclude each other")
    from gancore.artifacts import load
    from gancore.device import pick_device
    from gancore.sampling import Making, write
    from gancore.sampling.samples import batches, looks_of, start_of
    from gancore.sampling.writing import check

    where = pick_device(device, "--device")
    generator = load(model, trust_local_plugins=bool(trust)).to(where)
    looks = looks_of(generator, label, truncation_psi)
    start = start_of(generator, len(looks), count, seed, seeds, latents)
    check(out, len(start), len(looks), generator.interface)
    making = Making(truncation_cutoff, truncation_mean, noise_mode)
    write(out, batches(generator, start, looks, making), start.names, looks, generator.interface)
    click.echo(out)
