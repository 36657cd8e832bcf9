"""`gancore data`: the contents of a data set, and its conversion into one archive."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gancore.cli.options import overrides, trust_local_plugins
from gancore.errors import DataError
from gancore.messages import tell

if TYPE_CHECKING:
    from gancore.data import ImageData
    from gancore.data.sources import DataSource

OPTIONS = {
    "size": "--resolution R --fit resize, crop or pad makes images of another size fit",
    "levels": "--levels LOWEST HIGHEST says which values become black and white",
    "channels": "--channels 1, 2, 3 or 4 makes all of one kind",
    "damaged": "--skip-invalid leaves out images that cannot be used, if they are few",
}
"""Remedies, by the fault of images (gancore.data.rejected)."""


def source_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The argument SOURCE and the options for the conversion of its images."""
    options = [
        click.argument("source", type=click.Path(path_type=Path)),
        overrides,
        trust_local_plugins,
        click.option("--resolution", type=click.IntRange(4, 1024), help="Width and height."),
        click.option("--channels", type=click.IntRange(1, 4), help="1 gray, 2 with alpha, 3 RGB, 4 with alpha."),
        click.option("--levels", type=(float, float), help="Lowest and highest value of images of more than 8 bits."),
        click.option(
            "--fit", type=click.Choice(["resize", "crop", "pad", "wide"]), help="How to make images that size."
        ),
        click.option("--filter", type=click.Choice(["lanczos", "bicubic", "bilinear", "box"]), help="How to resize."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@click.group()
def data() -> None:
    """Convert and inspect data sets.

    SOURCE is an experiment (.yaml), a folder of images, a zip archive, or what another dataset plugin reads.
    """


@data.command()
@source_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON for another program.")
def info(source: Path, override: Sequence[str], trust: bool | None, as_json: bool, **form: Any) -> None:
    """Show count, size, classes and content hash of SOURCE, and which images cannot be used."""
    from gancore.data.describe import facts_of, lines_of
    from gancore.data.sources import find_source

    facts = facts_of(find_source(source, override, trust).changed(invalid="skip", **form), source)
    click.echo(json.dumps(facts, indent=2) if as_json else "\n".join(lines_of(facts)))


@data.command()
@source_options
@click.argument("destination", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--skip-invalid", is_flag=True, help="Leave out images that cannot be used.")
@click.option("--force", is_flag=True, help="Replace DESTINATION if it exists.")
def convert(
    source: Path,
    destination: Path,
    override: Sequence[str],
    trust: bool | None,
    skip_invalid: bool,
    force: bool,
    **form: Any,
) -> None:
    """Write SOURCE to DESTINATION, a zip archive of PNG files with a dataset.json.

    Labels are kept. The same images make the same bytes.
    """
    if destination.suffix.lower() != ".zip":
        raise DataError(f"{destination}: the name of an archive ends in .zip")
    if destination.exists() and not force:
        raise DataError(f"{destination} exists already; --force replaces it")
    from gancore.data.convert import write_archive
    from gancore.data.describe import described_size, training_on
    from gancore.data.sources import find_source

    found = find_source(source, override, trust).changed(invalid="skip" if skip_invalid else None, **form)
    images = _opened(found.with_labels())
    try:
        write_archive(images, destination)
    except OSError as cause:
        raise DataError(f"{destination} cannot be written: {cause}") from cause
    for note in images.notes:
        tell(note)
    skipped = f", {len(images.skipped)} skipped" if images.skipped else ""
    click.echo(f"{destination}: {len(images)} images of {described_size(images.identity.to_dict())}{skipped}")
    tell(f"next: {training_on(destination, images.identity.resolution)}")


def _opened(source: "DataSource") -> "ImageData":
    """The images; errors about unusable ones name options of this command."""
    from gancore.data.rejected import Unusable

    try:
        return source.open()
    except Unusable as error:
        remedies = [OPTIONS[kind] for kind in OPTIONS if kind in error.kinds]
        raise DataError(f"{error.found}\n{'; '.join(remedies)}") from error
