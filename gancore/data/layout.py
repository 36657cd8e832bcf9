"""Names and labels of images in a folder or an archive, which are laid out alike.

Labels come from a `dataset.json` at the top (gancore/data/index.py), or else from the top-level folders, whose names
are the classes, in natural order (10 after 9). A folder that contains all images is not a class; the folders in it are.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import PurePosixPath

from gancore.contracts import PassedOver
from gancore.data.formats import HIDDEN, is_image, why_passed_over
from gancore.data.index import INDEX, Index, Label
from gancore.errors import DataError
from gancore.names import shown, some

SPLITS = frozenset(["train", "training", "val", "valid", "validation", "test", "testing", "dev", "eval"])
"""Folders of these names are taken for parts of a data set, not for classes, where there are no others."""


@dataclass(frozen=True)
class Layout:
    """Names of images, sorted; a label or None for each; names of the classes, or None without labels.

    flaw: why there are no labels, where there might have been some.
    notes: remarks. label_notes: remarks if the experiment uses labels.
    """

    names: Sequence[str]
    labels: Sequence[Label | None]
    classes: Sequence[str] | None
    flaw: str = ""
    passed_over: Sequence[PassedOver] = ()
    notes: Sequence[str] = ()
    label_notes: Sequence[str] = field(default_factory=list)

    def class_names(self) -> Sequence[str] | None:
        """The names of the classes, None without labels. Raises DataError where the labels cannot be used."""
        if self.flaw:
            raise DataError(self.flaw)
        return self.classes


def layout(files: Sequence[str], read: Callable[[str], bytes], format: int = 2) -> Layout:
    """The images among `files` (relative, with slashes; those of folders end in one).

    read: returns the content of dataset.json; it may raise DataError.
    format: `data.format`; 1 are the rules of before.
    Raises DataError where two files have one name.
    """
    names = sorted(name for name in files if is_image(name, format))
    index = _index_among(files, names) if format > 1 else INDEX if INDEX in files else None
    skipped = {*names, index}
    others = Counter(why_passed_over(name) for name in files if name not in skipped and not name.endswith("/"))
    passed_over = [PassedOver(what, count, why) for (what, why), count in sorted(others.items())]
    if format < 2:
        return _from_index(names, index, read, passed_over, True) if index else _first(names, passed_over)
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise DataError(f"{len(twice)} names match several files each: {some(twice)}")
    if index is not None:
        return _from_index(names, index, read, passed_over)
    return _from_folders(names, files, passed_over)


def nothing_here(found: Layout) -> str:
    """That there are no images, and what there is instead."""
    there = ", ".join(map(str, found.passed_over))
    return f"no images; {f'there are {there}' if there else 'it is empty'}"


def natural(name: str) -> tuple[list[tuple[int, int, str]], str]:
    """A key that sorts numbers in names by their value: 2, 9, 10."""
    parts = re.findall(r"[0-9]+|[^0-9]+", name)
    return [_number(part) if part[0] in "0123456789" else (1, 0, part) for part in parts], name


def _number(digits: str) -> tuple[int, int, str]:
    digits = digits.lstrip("0")
    return 0, len(digits), digits


def _index_among(files: Sequence[str], names: Sequence[str]) -> str | None:
    """The name of the dataset.json that counts: at the top, or in the folder that all images lie in."""
    parts = _wrapping(names)
    there = set(files)
    return next((name for n in range(len(parts) + 1) if (name := "/".join([*parts[:n], INDEX])) in there), None)


def _first(names: Sequence[str], passed_over: Sequence[PassedOver]) -> Layout:
    """`data.format: 1`: every top-level folder is a class, in the order of text."""
    folders = [PurePosixPath(name).parts[0] if "/" in name else None for name in names]
    classes = sorted({folder for folder in folders if folder is not None})
    return _numbered(names, folders, classes, passed_over)


def _from_folders(names: Sequence[str], files: Sequence[str], passed_over: Sequence[PassedOver]) -> Layout:
    around = _wrapping(names)
    start = sum(len(part) + 1 for part in around)
    folders = [name[start:].partition("/")[0] if "/" in name[start:] else None for name in names]
    classes = sorted({folder for folder in folders if folder is not None}, key=natural)
    if not classes:
        one = shown("/".join(around))
        flaw = (
            f"all images lie in one folder ({one}), and a single class is not a label; `labels: false` trains without"
        )
        return Layout(names, [None] * len(names), None, flaw if around else "", passed_over)
    if len(classes) > 1 and SPLITS.issuperset(map(str.casefold, classes)):
        told = f"the folders {some(classes)} are taken for parts of a data set, not for classes"
        flaw = f"{told}; `path` may name one of them, or a {INDEX} say the labels"
        notes = [f"{told}; all of them are read together"]
        return Layout(names, [None] * len(names), None, flaw, passed_over, notes)
    prefix = names[0][:start] if names else ""
    below = [name[start:] for name in files if name.startswith(prefix) and why_passed_over(name)[0] != HIDDEN]
    there = {name.partition("/")[0] for name in below if "/" in name}
    return _numbered(names, folders, classes, passed_over, sorted(there - set(classes), key=natural))


def _numbered(
    names: Sequence[str],
    folders: Sequence[str | None],
    classes: Sequence[str],
    passed_over: Sequence[PassedOver],
    empty: Sequence[str] = (),
) -> Layout:
    numbers = {folder: number for number, folder in enumerate(classes)}
    labels = [None if folder is None else numbers[folder] for folder in folders]
    notes = [f"folders without images are no classes: {some(empty)}"] if empty else []
    return Layout(names, labels, classes or None, "", passed_over, (), notes)


def _from_index(
    names: Sequence[str],
    name: str,
    read: Callable[[str], bytes],
    passed_over: Sequence[PassedOver],
    last_counts: bool = False,
) -> Layout:
    try:
        index = Index.parse(read(name), last_counts)
        labels, missing = index.labels_of(names, name.removesuffix(INDEX))
    except DataError as error:
        return Layout(names, [None] * len(names), None, str(error), passed_over)
    notes = [f"{INDEX} has labels of {len(missing)} images that are not there: {some(missing)}"] if missing else []
    return Layout(names, labels, index.classes, "", passed_over, (), notes)


def _wrapping(names: Sequence[str]) -> list[str]:
    """The folders, from the outermost in, that all images lie in."""
    paths = [name.split("/")[:-1] for name in names] or [[]]
    pairs = zip(min(paths), max(paths), strict=False)
    return [part for part, _ in takewhile(lambda pair: pair[0] == pair[1], pairs)]
