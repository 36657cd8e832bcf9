"""`dataset.json`: labels of images by their names, and names of the classes.

A label is a class, counted from 0, or a list of numbers.
`{"labels": [["00000/img0.png", 3], ...]}` is the layout of StyleGAN2-ADA's and later tools; `"labels": null` says that
there are none; `"classes": [...]` is ours and names them. Names may be written with backslashes.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gancore.errors import DataError

Label = int | list[float]

INDEX = "dataset.json"
MOST_CLASSES = 100_000
"""Each label is a vector with a number for every class; more classes than this are taken for a mistake."""


@dataclass(frozen=True)
class Index:
    """What the file says; `labels` and `classes` are None where there are no labels."""

    labels: Mapping[str, Label] | None
    classes: Sequence[str] | None

    @classmethod
    def parse(cls, content: bytes, last_counts: bool = False) -> "Index":
        """Raises DataError if the content is not that of such a file, or has two labels for an image.

        last_counts: of several labels the last one is taken (`data.format: 1`).
        """
        about = _parsed(content)
        if about.get("labels") is None:
            return cls(None, None)
        labels = _labels(about["labels"], last_counts)
        classes = [label for label in labels.values() if isinstance(label, int)]
        return cls(labels, about.get("classes") or (numbered(classes) if classes else None))

    def labels_of(self, names: Sequence[str], folder: str = "") -> tuple[list[Label | None], list[str]]:
        """A label or None for each image, and the names in the file that no image has.

        Names in the file count from its folder, or from the top.
        """
        if self.labels is None:
            return [None] * len(names), []
        there = set(names)
        found: dict[str, Label] = {}
        missing = []
        for written, label in self.labels.items():
            name = next((name for name in _readings(written, folder) if name in there), None)
            if name is None:
                missing.append(written)
            elif found.setdefault(name, label) != label:
                raise DataError(f"{INDEX} has two labels for {name}, {found[name]} and {label}")
        return [found.get(name) for name in names], sorted(missing)


def numbered(labels: Iterable[int]) -> list[str]:
    """Names of the classes 0 to the largest label, which are their numbers. Raises DataError when they are too many."""
    largest = max(labels, default=-1)
    if largest >= MOST_CLASSES:
        raise DataError(f"labels must count the classes from 0, at most {MOST_CLASSES:,} of them; there is a {largest}")
    return [str(label) for label in range(largest + 1)]


def _readings(written: str, folder: str) -> Iterable[str]:
    """What a name in the file may mean, the likeliest first."""
    for name in dict.fromkeys((written, written.replace("\\", "/").removeprefix("./"))):
        yield f"{folder}{name}"
        yield name


def _parsed(content: bytes) -> dict[str, Any]:
    try:
        about = json.loads(content)
    except RecursionError:
        raise DataError(f"{INDEX} is not JSON of a data set: nested too deeply") from None
    except ValueError as cause:
        raise DataError(f"{INDEX} is not JSON: {cause}") from cause
    if not isinstance(about, dict) or not _are_names(about.get("classes") or []):
        raise DataError(f'{INDEX} should hold {{"labels": [["name.png", 0], ...]}}, and may hold "classes": [names]')
    return about


def _labels(pairs: Any, last_counts: bool) -> dict[str, Label]:
    """{name: label} from dataset.json's pairs, or from a mapping."""
    pairs = list(pairs.items()) if isinstance(pairs, dict) else pairs
    if not isinstance(pairs, list):
        raise DataError(f'"labels" in {INDEX} should be a list of [name, label] or null')
    labels: dict[str, Label] = {}
    for pair in pairs:
        if not _is_pair(pair):
            should = "[name, whole number or list of numbers]"
            raise DataError(f'"labels" in {INDEX} should be {should}, not {json.dumps(pair)[:80]}')
        name, label = pair
        if labels.get(name, label) != label and not last_counts:
            raise DataError(f"{INDEX} has two labels for {name}, {labels[name]} and {label}")
        labels[name] = label
    return labels


def _is_pair(pair: Any) -> bool:
    if not isinstance(pair, list | tuple) or len(pair) != 2 or not isinstance(pair[0], str):
        return False
    label = pair[1]
    return type(label) is int or (isinstance(label, list) and bool(label) and all(map(_is_number, label)))


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)
