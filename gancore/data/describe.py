"""What there is to say of a data set: for `gancore data info`."""

import shlex
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import asdict
from numbers import Integral
from pathlib import Path, PurePosixPath
from typing import Any

from gancore.data.decode import KINDS
from gancore.data.reading import Survey
from gancore.data.rejected import Unusable, described
from gancore.data.sources import DataSource
from gancore.errors import DataError
from gancore.names import shown

SHOWN = 10
"""Lines of a list that are shown; --json has all of them."""


def facts_of(source: DataSource, path: Path) -> dict[str, Any]:
    """What the headers say, and what comes out when the images are decoded, or why that cannot be done.

    `unusable` is the reason, None where the images can be used; then the identity of the data is there.
    Raises DataError where there is no image at all whose header can be read.
    """
    survey, passed_over = source.survey(), source.dataset.passed_over()
    identity: dict[str, Any] = {"dataset": source.name}
    notes, skipped = list[str](), described(survey.rejected)
    unusable: str | None = None
    wrong: Collection[str] = ()
    try:
        images = source.open()
        identity, notes, skipped = images.identity.to_dict(), images.notes, images.skipped
    except DataError as error:
        if not survey.seen:
            raise
        unusable, wrong = str(error), error.kinds if isinstance(error, Unusable) else ()
        try:  # which images would still be unusable, if all were made one size
            fitted = source.changed(resolution=_resolution(source, survey), fit=source.keys.fit or "crop").open()
            notes, skipped = fitted.notes, fitted.skipped
        except DataError:
            notes = [f"passed over: {', '.join(map(str, passed_over))}"] if passed_over else []
    sizes = sorted(survey.sizes().items(), key=lambda pair: (-pair[1], pair[0]))
    return {
        **identity,
        "headers": sum(survey.seen.values()),
        "files": dict(Counter(PurePosixPath(item.name).suffix.lower() for item in source.items()).most_common()),
        "sizes": {f"{width}x{height}": count for (width, height), count in sizes},
        "kinds": {KINDS[held]: count for held, count in survey.channels().most_common()},
        "classes": _class_counts(source),
        "passed_over": [asdict(files) for files in passed_over],
        "notes": [*notes, *([f"no labels: {source.no_labels}"] if source.no_labels else [])],
        "skipped": skipped,
        "unusable": unusable,
        "next": _next(source, path, survey, unusable, wrong, bool(skipped)),
    }


def lines_of(facts: dict[str, Any]) -> Iterator[str]:
    """The same as text."""
    yield f"dataset     {facts['dataset']}"
    if facts["unusable"] is None:
        yield f"images      {facts['count']} of {described_size(facts)}"
        yield f"fit         {facts['fit'] or 'none needed'}" + (f", {facts['filter']}" if facts["fit"] else "")
        yield f"mirror      {'yes' if facts['mirror'] else 'no'}"
        yield f"sha256      {facts['sha256']}"
    else:
        yield f"images      {facts['headers']}"
    if len(facts["files"]) > 1:
        yield f"files       {', '.join(f'{count} {suffix}' for suffix, count in facts['files'].items())}"
    yield from _listed("sizes", [f"{count:8}  {size}" for size, count in facts["sizes"].items()], inline=True)
    yield from _listed("kinds", [f"{count:8}  {kind}" for kind, count in facts["kinds"].items()], inline=True)
    classes = facts["classes"] or {}
    yield f"classes     {len(classes) or 'none'}"
    yield from (f"  {number:5} {count:8}  {name}" for number, (name, count) in enumerate(classes.items()))
    yield from (f"note        {note}" for note in facts["notes"])
    yield from _listed("skipped", facts["skipped"])
    if facts["unusable"]:
        yield "unusable    as they are: " + facts["unusable"].replace("\n", "\n            ")
    yield f"next        {facts['next']}"


def training_on(path: Path, resolution: int | None) -> str:
    """The command that trains on what is at a path."""
    place = shlex.quote(shown(str(path)))
    return f"gancore train EXPERIMENT.yaml --data {place} -o data.resolution={resolution} (or a preset for the YAML)"


def described_size(facts: dict[str, Any]) -> str:
    """`16x16, 3 channels`, from the identity of data."""
    channels = facts["channels"]
    return f"{facts['resolution']}x{facts['resolution']}, {channels} channel{'s' * (channels > 1)}"


def _listed(what: str, lines: list[str], inline: bool = False) -> Iterator[str]:
    """A heading with a count, and the first lines; empty without lines. A single line may be part of the heading."""
    if inline and len(lines) == 1:
        yield f"{what:12}{lines[0].split(maxsplit=1)[1]}"
    elif lines:
        yield f"{what:12}{len(lines)}"
        yield from (f"  {line}" for line in lines[:SHOWN])
        if len(lines) > SHOWN:
            yield f"  and {len(lines) - SHOWN} more (--json lists them all)"


def _class_counts(source: DataSource) -> dict[str, int] | None:
    """Images of each class by its name, unusable ones included; None where there are no labels."""
    if source.keys.labels or not source.no_labels:
        labels = [item.label for item in source.items()]
        names = source.dataset.class_names() if all(isinstance(label, Integral) for label in labels) else None
        if names is not None:
            counts = Counter(labels)
            return {shown(name): counts[label] for label, name in enumerate(names)}
    return None


def _resolution(source: DataSource, survey: Survey) -> int:
    """The requested size with `fit`, or the power of two that half of the images have along every side, or more."""
    if source.keys.fit and source.keys.resolution:
        return source.keys.resolution
    sides = sorted(min(size) for size in survey.sizes().elements())
    return int(max(4, min(2 ** (sides[len(sides) // 2].bit_length() - 1), 1024)))


def _next(
    source: DataSource, path: Path, survey: Survey, unusable: str | None, wrong: Collection[str], skipped: bool
) -> str:
    """What to do to train on the images."""
    keys = source.keys
    if unusable is None and not keys.fit and len(survey.sizes()) == 1 and not survey.rejected:
        return training_on(path, keys.resolution)
    options = [f"--resolution {_resolution(source, survey)} --fit {keys.fit or 'crop'}"]
    options += ["--channels 3"] * (len(survey.channels()) > 1)
    options += ["--levels LOWEST HIGHEST"] * ("levels" in wrong)
    options += ["--skip-invalid"] * (skipped or "damaged" in wrong)
    return f"gancore data convert {shlex.quote(shown(str(path)))} NEW.zip {' '.join(options)}"
