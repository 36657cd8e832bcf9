"""`gancore mix`, `interpolate` and `project`: what people do with latents, as files."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from gancore.cli.options import device, trust_local_plugins

if TYPE_CHECKING:
    from torch import Tensor

    from gancore.contracts import Generator

FILMS = (".gif", ".png", ".mp4")


def _seeds(ctx: click.Context, param: click.Parameter, value: str) -> list[int]:
    """ "0-3,7" to numbers, 64 at most."""
    from gancore.cli.sample import _seeds as numbers

    found = numbers(ctx, param, value) or []
    if not 1 <= len(found) <= 64:
        raise click.BadParameter(f"{value}: from 1 to 64 seeds")
    return found


def _slots(ctx: click.Context, param: click.Parameter, value: str) -> str:
    first, _, last = value.partition("-")
    if value not in ("coarse", "middle", "fine") and not (first.isdecimal() and (last or first).isdecimal()):
        raise click.BadParameter(f"{value}: coarse, middle, fine, or a range of ws, 0-3")
    return value


model = click.argument("model", type=click.Path(path_type=Path))
psi = click.option("--truncation-psi", type=click.FloatRange(-10, 10), default=1.0, show_default=True)
label = click.option("--label", type=click.IntRange(0), default=0, help="Class, for a conditional model; default: 0.")


@click.command()
@model
@click.option("--rows", callback=_seeds, default="0-2", show_default=True, help="Seeds whose styles are taken.")
@click.option("--columns", callback=_seeds, default="3-8", show_default=True, help="Seeds that take them.")
@click.option("--slots", callback=_slots, default="coarse", show_default=True, help="coarse, middle, fine, or 0-3.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), default=Path("mix.png"), show_default=True)
@psi
@label
@device
@trust_local_plugins
def mix(
    model: Path, rows: list[int], columns: list[int], slots: str, out: Path, truncation_psi: float, label: int,
    device: str, trust: bool | None,
) -> None:  # fmt: skip
    """Write a grid of style mixing: the styles of one image in some layers of another, as PNG or SVG."""
    import torch

    from gancore.analysis import mixed, paint, slots_by_scale
    from gancore.analysis.figures.write import drawn
    from gancore.artifacts.atomic import write_text, written
    from gancore.contracts import Grid, Picture
    from gancore.errors import GancoreError

    if out.suffix not in (".png", ".svg"):
        raise click.BadParameter(f"{out}: the name should end in .png or .svg", param_hint="--out")
    generator = _loaded(model, device, trust)
    if generator.num_ws < 2:
        raise GancoreError("this generator has one w for all layers, and nothing can be mixed")
    named = slots_by_scale(generator.num_ws)
    first, _, last = slots.partition("-")
    taken = named[slots] if slots in named else range(int(first), int(last or first) + 1) if first.isdecimal() else None
    if taken is None or not taken or taken.stop > generator.num_ws:
        have = f"{', '.join(named)}, or 0-{generator.num_ws - 1}"
        raise GancoreError(f"--slots {slots}: this generator has {have}")
    with torch.no_grad():
        sources, targets = (_ws(generator, seeds, truncation_psi, label) for seeds in (rows, columns))
        tiles = [[None, *map(Picture, paint(generator, targets))]]
        for source in sources.split(1):
            made = paint(generator, mixed(targets, source, taken))
            tiles.append([Picture(paint(generator, source)[0]), *map(Picture, made)])
    title = f"Styles of ws {taken.start} to {taken.stop - 1}"
    sheet = drawn(Grid("mix", title, tiles, ["", *(f"seed {s}" for s in rows)], ["", *(f"seed {s}" for s in columns)]))
    if out.suffix == ".svg":
        write_text(out, sheet.svg())
    else:
        with written(out) as temporary:
            sheet.png().save(temporary, "PNG")
    click.echo(out)


@click.command()
@model
@click.option("--seeds", callback=_seeds, default="0-3", show_default=True, help="Samples that the walk passes.")
@click.option(
    "--frames", type=click.IntRange(2, 600), default=24, show_default=True, help="Frames between two of them."
)
@click.option("--per-second", type=click.FloatRange(1, 60), default=24.0, show_default=True)
@click.option("--space", type=click.Choice(["z", "w"]), default="w", show_default=True)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), default=Path("interpolation.gif"), show_default=True,
    help=".gif, .png (animated), or .mp4.",
)  # fmt: skip
@psi
@label
@device
@trust_local_plugins
def interpolate(
    model: Path, seeds: list[int], frames: int, per_second: float, space: Literal["z", "w"], out: Path,
    truncation_psi: float, label: int, device: str, trust: bool | None,
) -> None:  # fmt: skip
    """Write a film of a closed walk through samples: on the great circle in z, or straight in w."""
    import torch

    from gancore.analysis import paint, slerp
    from gancore.analysis.figures.film import save_film
    from gancore.contracts import Film
    from gancore.nn.pretrained import package

    if out.suffix not in FILMS:
        raise click.BadParameter(f"{out}: the name should end in {', '.join(FILMS)}", param_hint="--out")
    if out.suffix == ".mp4":
        package("av", "video")
    generator = _loaded(model, device, trust)
    with torch.no_grad():
        t = torch.arange(frames) / frames
        if space == "w":
            ws = _ws(generator, seeds, truncation_psi, label)
            steps = t.to(ws)[:, None, None]
            walk = torch.cat(
                [torch.lerp(a, b, steps) for a, b in zip(ws.split(1), ws.roll(-1, 0).split(1), strict=True)]
            )
        else:
            z = _z(generator, seeds)
            pairs = zip(z.split(1), z.roll(-1, 0).split(1), strict=True)
            steps = t.to(z)[:, None]
            path = torch.cat([slerp(a.expand(frames, -1), b.expand(frames, -1), steps) for a, b in pairs])
            walk = _mapped(generator, path, truncation_psi, label)
        save_film(out, Film("walk", "", paint(generator, walk).cpu(), per_second))
    click.echo(out)


@click.command()
@model
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("projected"), show_default=True)
@click.option("--steps", type=click.IntRange(1, 100_000), default=1000, show_default=True)
@click.option("--space", type=click.Choice(["w", "w+"]), default="w", show_default=True)
@click.option(
    "--features", metavar="NAME,...", default="lpips,embedded", show_default=True,
    help="Feature plugin that compares images: the first that is available.",
)  # fmt: skip
@click.option("--fit", type=click.Choice(["resize", "crop", "pad"]), default="crop", show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@device
@trust_local_plugins
def project(
    model: Path, images: tuple[Path, ...], out: Path, steps: int, space: Literal["w", "w+"], features: str,
    fit: str, seed: int, device: str, trust: bool | None,
) -> None:  # fmt: skip
    """Find the ws of IMAGES: NAME.safetensors (ws, noise), NAME.png, NAME.gif in --out.

    `gancore sample MODEL --latents NAME.safetensors` makes the image again, with the noise of the model.
    """
    from gancore.analysis.projecting import project_files

    generator = _loaded(model, device, trust)
    for paths, line in project_files(generator, images, out, steps, space, features.split(","), fit, seed):
        click.echo("\n".join([line, *map(str, paths)]))


def _loaded(model: Path, device: str, trust: bool | None) -> "Generator":
    from gancore.artifacts import load
    from gancore.device import pick_device

    where = pick_device(device, "--device")
    return load(model, trust_local_plugins=bool(trust)).to(where)


def _z(generator: "Generator", seeds: list[int]) -> "Tensor":
    """Latents of image 0 of each seed: those of `gancore sample --seeds`."""
    from gancore.sampling.start import of_seeds

    z = of_seeds(generator, seeds).z
    assert z is not None
    return z.to(next(generator.parameters()).device)


def _ws(generator: "Generator", seeds: list[int], psi: float, label: int) -> "Tensor":
    return _mapped(generator, _z(generator, seeds), psi, label)


def _mapped(generator: "Generator", z: "Tensor", psi: float, label: int) -> "Tensor":
    from gancore.errors import GancoreError
    from gancore.training.samples import check_label

    check_label(label if generator.interface.label_dim else None, generator)
    labels = generator.numbered_labels([label] * len(z)) if generator.interface.label_dim else None
    try:
        return generator.mapping(z, None if labels is None else labels.to(z.device), truncation_psi=psi)
    except ValueError as error:  # the contract's word for what a generator does not take
        raise GancoreError(str(error)) from error
