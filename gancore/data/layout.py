"""Names and labels of images in a folder or an archive, which are laid out alike.

Labels come from a `dataset.json` at the top, `{"labels": [["00000/img0.png", 3], ...]}` (the layout of StyleGAN2-ADA's
and later tools; `"labels": null` says that there are none, `"classes": [...]` is ours and names them), or else from
the top-level folders, whose names are the classes.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from gancore.errors import DataError

EXTENSIONS = frozenset(["png", "jpg", "jpeg", "webp", "bmp", "gif", "tif", "tiff", "ppm", "pgm", "pbm"])
INDEX = "dataset.json"
MOST_CLASSES = 100_000
"""Each label is a vector with a number for every class; more classes than this are taken for a mistake."""


@dataclass(frozen=True)
class Layout:
    """Names of images, sorted; a label or None for each; names of the classes, or None without labels."""

    names: Sequence[str]
    labels: Sequence[int | None]
    classes: Sequence[str] | None


def layout(files: Iterable[str], index: bytes | None) -> Layout:
    """The images among `files` (relative, with slashes); `index` is the content of dataset.json. Raises DataError."""
    names = sorted(name for name in files if is_image(name))
    return _from_index(names, index) if index is not None else _from_folders(names)


def is_image(name: str) -> bool:
    """Whether a name ends like an image's and nothing in its path is hidden (".thumbs", "__MACOSX")."""
    path = PurePosixPath(name)
    hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts)
    return not hidden and path.suffix[1:].lower() in EXTENSIONS


def _from_folders(names: Sequence[str]) -> Layout:
    folders = [PurePosixPath(name).parts[0] if "/" in name else None for name in names]
    classes = sorted({folder for folder in folders if folder is not None})
    numbers = {folder: number for number, folder in enumerate(classes)}
    return Layout(names, [None if folder is None else numbers[folder] for folder in folders], classes or None)


def _from_index(names: Sequence[str], index: bytes) -> Layout:
    about = _parsed(index)
    if about.get("labels") is None:
        return Layout(names, [None] * len(names), None)
    labels = _labels(about["labels"])
    if missing := sorted(labels.keys() - set(names)):
        listed = ", ".join(missing[:10])
        raise DataError(f"{INDEX} has labels of {len(missing)} images that are not there: {listed}")
    classes = about.get("classes") or numbered(labels.values())
    return Layout(names, [labels.get(name) for name in names], classes)


def numbered(labels: Iterable[int]) -> list[str]:
    """Names of the classes 0 to the largest label, which are their numbers. Raises DataError when they are too many."""
    largest = max(labels, default=-1)
    if largest >= MOST_CLASSES:
        raise DataError(f"labels must count the classes from 0, at most {MOST_CLASSES:,} of them; there is a {largest}")
    return [str(label) for label in range(largest + 1)]


def _parsed(index: bytes) -> dict[str, Any]:
    try:
        about = json.loads(index)
    except ValueError as cause:
        raise DataError(f"{INDEX} is not JSON: {cause}") from cause
    if not isinstance(about, dict) or not _are_names(about.get("classes") or []):
        raise DataError(f'{INDEX} should hold {{"labels": [["name.png", 0], ...]}}, and may hold "classes": [names]')
    return about


def _labels(pairs: Any) -> dict[str, int]:
    """{name: label} from dataset.json's pairs, or from a mapping."""
    pairs = list(pairs.items()) if isinstance(pairs, dict) else pairs
    if not isinstance(pairs, list):
        raise DataError(f'"labels" in {INDEX} should be a list of [name, label] or null')
    for pair in pairs:
        if not _is_pair(pair):
            raise DataError(f'"labels" in {INDEX} should be [name, whole number], not {json.dumps(pair)[:80]}')
    return {name: label for name, label in pairs}


def _is_pair(pair: Any) -> bool:
    return isinstance(pair, list | tuple) and [type(value) for value in pair] == [str, int]


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)
