"""The items of a dataset: named, ordered, readable, labelled; the engine opens them."""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gancore.config.sections.data import DataKeys
from gancore.data import interface_of
from gancore.errors import DataError
from gancore.testing.finding import Finding, holds
from gancore.testing.subject import R, Subject

FEW = 8
"""Items that are read."""


def items_have_one_order(subject: Subject) -> Iterator[Finding]:
    names, again = ([item.name for item in subject.made().items()] for _ in range(2))
    yield holds(bool(names), "items", "at least one", "none")
    why = "a resumed run has to see the images that a run that never stopped would have seen"
    yield holds(names == again, "items", "the same order every time", "another order the second time", why)


def names_are_unlike(subject: Subject) -> Iterator[Finding]:
    names = [item.name for item in subject.made().items()]
    words = all(isinstance(name, str) and name for name in names)
    yield holds(words, "items", "names that are text", "others", "messages name images by them")
    twice = len(names) - len(set(names))
    yield holds(not twice, "items", "a name for each", f"{twice} names twice", "messages name images by them")


def the_first_items_can_be_read(subject: Subject) -> Iterator[Finding]:
    """Twice, with the same result; the array that is returned may be changed by the engine."""
    for item in subject.made().items()[:FEW]:
        content, again = item.read(), item.read()
        what = "the bytes of an image file, or uint8 [H, W] or [H, W, C]"
        if isinstance(content, np.ndarray):
            sound = content.dtype == np.uint8 and content.ndim in (2, 3) and content.shape[2:] in ((), (1,), (3,), (4,))
            yield holds(sound, f"read, {item.name}", what, f"{content.dtype} {list(content.shape)}")
        else:
            yield holds(isinstance(content, bytes), f"read, {item.name}", what, f"a {type(content).__name__}")
        equal = type(content) is type(again) and np.array_equal(content, again)
        why = "equal runs would see other images"
        yield holds(equal, f"read, {item.name}", "the same image every time", "another the second time", why)


def labels_fit_the_class_names(subject: Subject) -> Iterator[Finding]:
    """Every item has one if there are names: a number below their number, or a vector of as many."""
    made = subject.made()
    names: Sequence[str] | None = made.class_names()
    labels = [item.label for item in made.items()]
    why = "training with labels would fail at the first such image"
    if names is None:
        return
    yield holds(len(set(names)) == len(names), "class_names", "names that differ", repr(list(names)), why)
    without = sum(label is None for label in labels)
    yield holds(not without, "labels", "one for every item", f"{without} items have none", why)
    wrong = [label for label in labels if label is not None and not _fits(label, len(names))]
    expected = f"numbers 0 to {len(names) - 1}, or vectors of {len(names)}"
    yield holds(not wrong, "labels", expected, f"{len(wrong)} others, such as {wrong[:1]}", why)


def sources_exist(subject: Subject) -> Iterator[Finding]:
    sources = subject.made().sources()
    missing = [str(path) for path in sources or () if not Path(path).exists()]
    why = "the cache of decoded images is valid until one of them changes"
    yield holds(not missing, "sources", "files that exist, or None", ", ".join(missing[:3]), why)


def strange_files_are_not_its_own(subject: Subject) -> Iterator[Finding]:
    """`options_for` of a missing and of an empty file is None, or options; never an exception."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "empty.bin").touch()
        for name in ("missing", "empty.bin"):
            found: Any = subject.plugin.options_for(Path(folder) / name)
            got = repr(found)
            yield holds(found is None, f"options_for a file {name}", "None", got, "it would be taken for images")


def notes_are_lines(subject: Subject) -> Iterator[Finding]:
    made = subject.made()
    lines = [*made.notes(True), *made.notes(False)]
    sound = all(isinstance(line, str) and "\n" not in line for line in lines)
    yield holds(sound, "notes", "lines of text", repr(lines), "they are printed when a run starts")


def the_engine_opens_it(subject: Subject) -> Iterator[Finding]:
    """At 16x16, for images of any size; with labels where there are names."""
    labels = subject.made().class_names() is not None
    try:
        interface = interface_of(subject.made(), DataKeys(resolution=R, fit="resize", labels=labels))
    except DataError as error:
        yield Finding("opened", f"images of {R}x{R}", str(error), "training opens it so")
        return
    sound = interface.resolution == R and interface.channels in (1, 3)
    yield holds(sound, "opened", f"images of {R}x{R}", f"{interface}", "training opens it so")


def _fits(label: Any, count: int) -> bool:
    if isinstance(label, int | np.integer) and not isinstance(label, bool):
        return 0 <= int(label) < count
    vector = np.asarray(label, dtype=np.float64)
    return vector.shape == (count,) and bool(np.isfinite(vector).all())
