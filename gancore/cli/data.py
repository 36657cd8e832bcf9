"""`gancore data`: what a data set holds, and its conversion into one archive."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gancore.cli.options import overrides, trust_local_plugins
from gancore.errors import DataError

if TYPE_CHECKING:
    from gancore.data.sources import Source

SKIPPED_SHOWN = 10


def source_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The argument SOURCE and the options that say what its images are made into."""
    options = [
        click.argument("source", type=click.Path(path_type=Path)),
        overrides,
        trust_local_plugins,
        click.option("--resolution", type=click.IntRange(4, 1024), help="Width and height."),
        click.option("--channels", type=click.IntRange(1, 4), help="1 gray, 2 with alpha, 3 RGB, 4 with alpha."),
        click.option("--fit", type=click.Choice(["resize", "crop", "pad"]), help="How to make images that size."),
        click.option("--filter", type=click.Choice(["lanczos", "bicubic", "bilinear", "box"]), help="How to resize."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@click.group()
def data() -> None:
    """Convert and inspect data sets.

    SOURCE is an experiment (.yaml), a folder of images, a zip archive, or IDX files.
    """


@data.command()
@source_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON for another program.")
def info(source: Path, override: Sequence[str], trust: bool | None, as_json: bool, **form: Any) -> None:
    """Show count, size, classes and content hash of SOURCE, and which images cannot be used."""
    from gancore.data.sources import find_source

    found = find_source(source, override, trust).changed(invalid="skip", **form)
    facts = _facts(found)
    click.echo(json.dumps(facts, indent=2, ensure_ascii=False) if as_json else "\n".join(_lines(facts)))


@data.command()
@source_options
@click.argument("destination", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--skip-invalid", is_flag=True, help="Leave out images that cannot be used.")
@click.option("--force", is_flag=True, help="Replace DESTINATION if it is there.")
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

    Labels are kept. The same images give the same bytes.
    """
    if destination.suffix.lower() != ".zip":
        raise DataError(f"{destination}: the name of an archive ends in .zip")
    if destination.exists() and not force:
        raise DataError(f"{destination} is there already; --force replaces it")
    from gancore.data.convert import write_archive
    from gancore.data.sources import find_source

    found = find_source(source, override, trust).changed(invalid="skip" if skip_invalid else None, **form)
    images = found.with_labels().open()
    try:
        write_archive(images, destination)
    except OSError as cause:
        raise DataError(f"{destination} cannot be written: {cause}") from cause
    skipped = f", {len(images.skipped)} skipped" if images.skipped else ""
    click.echo(f"{destination}: {len(images)} images of {_size(images.identity.to_dict())}{skipped}")


def _facts(source: "Source") -> dict[str, Any]:
    images = source.open()
    return {**images.identity.to_dict(), "classes": _class_counts(source), "skipped": images.skipped}


def _class_counts(source: "Source") -> dict[str, int] | None:
    """Images of each class by its name, unusable ones included; None unless every image has one."""
    names = source.dataset.class_names()
    labels = [item.label for item in source.dataset.items()]
    if names is None or not all(isinstance(label, Integral) for label in labels):
        return None
    counts = Counter(labels)
    return {name: counts[label] for label, name in enumerate(names)}


def _lines(facts: dict[str, Any]) -> Iterator[str]:
    yield f"dataset     {facts['dataset']}"
    yield f"images      {facts['count']} of {_size(facts)}"
    yield f"fit         {facts['fit'] or 'none needed'}" + (f", {facts['filter']}" if facts["fit"] else "")
    yield f"mirror      {'yes' if facts['mirror'] else 'no'}"
    yield f"sha256      {facts['sha256']}"
    classes = facts["classes"]
    yield f"classes     {len(classes) if classes else 'none'}"
    yield from (f"  {count:8}  {name}" for name, count in (classes or {}).items())
    if skipped := facts["skipped"]:
        yield f"skipped     {len(skipped)}"
        yield from (f"  {line}" for line in skipped[:SKIPPED_SHOWN])
        if len(skipped) > SKIPPED_SHOWN:
            yield f"  and {len(skipped) - SKIPPED_SHOWN} more (--json lists them all)"


def _size(facts: dict[str, Any]) -> str:
    channels = facts["channels"]
    return f"{facts['resolution']}x{facts['resolution']}, {channels} channel{'s' * (channels > 1)}"
