"""Remarks on a data set that is usable, but may not be the intended one."""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from gancore.data.color import Levels
from gancore.data.decode import KINDS, Form
from gancore.data.reading import Reading
from gancore.data.rejected import described
from gancore.names import some

FAR = 0.25
"""The part of the range of values below which images are taken to have another one."""

NAMED = 3
"""Images left out that are named; the data set's own lists have all of them."""


def notes_on_reading(reading: Reading, form: Form) -> list[str]:
    """Which images were left out and why, and whether unlike ones were made alike."""
    notes = []
    if rejected := reading.rejected:
        kinds = Counter(cause.kind for _, cause in rejected)
        counts = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
        named = "; ".join(described(rejected[:NAMED]))
        total = len(rejected) + len(reading.kept)
        notes.append(f"{len(rejected)} of {total} images are left out ({counts}): {named}")
    if len(reading.held) > 1:
        counts = ", ".join(f"{count} {KINDS[held]}" for held, count in reading.held.most_common())
        notes.append(f"images of several kinds ({counts}) are all made {KINDS[form.channels]}")
    return notes + list(_note_on_levels(reading.extremes, form.levels))


def _note_on_levels(extremes: Sequence[tuple[float, float]], levels: Levels | None) -> Iterator[str]:
    """Whether values of more than 8 bits use another range than the one that becomes black to white."""
    if not extremes:
        return
    low, high = min(low for low, _ in extremes), max(high for _, high in extremes)
    black, white = levels or (0, 65535)
    used, advice = (
        (min(high, white) - max(low, black)) / (white - black),
        f"`levels: [{low:g}, {high:g}]` uses all of them",
    )
    told = f"values of {len(extremes)} images of more than 8 bits go from {low:g} to {high:g}"
    if used < FAR:
        yield f"{told}, a small part of {black:g} to {white:g}, and few shades are left; {advice}"
    elif low < black or high > white:
        yield f"{told}, and those beyond {black:g} to {white:g} are cut off; {advice}"


def notes_on_classes(names: Sequence[str], labels: np.ndarray) -> list[str]:
    """Classes that no image has; `labels` is int64 [M]."""
    counts = np.bincount(labels, minlength=len(names)).tolist()
    empty = [name for name, count in zip(names, counts, strict=True) if not count]
    return [f"{len(empty)} of {len(names)} classes have no images: {some(empty)}"] if empty else []
