"""From a dataset plugin and the core's keys of `data:` to what is to be decoded, and into what."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from gancore.config.sections.data import FORMAT, DataKeys
from gancore.contracts import Dataset, Item
from gancore.data.decode import Form
from gancore.data.index import MOST_CLASSES, numbered
from gancore.data.labels import labels_of_items
from gancore.data.reading import SAMPLED, Survey, survey
from gancore.data.rejected import refusal
from gancore.errors import DataError, GancoreError
from gancore.names import shown, some
from gancore.registry import explain

MAY_SKIP = 0.5
"""The share of images that `invalid: skip` leaves out before it is taken for a mistake."""


class NoLabels(DataError):
    """Labels are wanted, and a data set has none at all."""


@dataclass(frozen=True)
class Plan:
    """What is to be decoded, and into what. `classes` is None when training without labels.

    may_skip: the share of images that may be left out.
    """

    items: Sequence[Item]
    form: Form
    classes: Sequence[str] | None
    may_skip: float

    @property
    def size(self) -> int:
        """Bytes of all pixels."""
        return len(self.items) * int(np.prod(self.form.shape))


def plan_of(dataset: Dataset, config: DataKeys) -> Plan:
    """The plan of decoding; reads labels, and headers if they matter. Raises DataError."""
    items, first_rules = items_of(dataset, config), config.format == 1
    if not items:
        raise DataError("the data set is empty")
    found = survey(items, SAMPLED if first_rules else None) if first_rules or config.resolution is None else None
    form = Form(
        config.resolution or _own_resolution(found, len(items)),
        config.channels,
        config.fit,
        config.filter,
        found.most_common[1] if found and first_rules and found.most_common else None,
        not first_rules and "channels" not in config.model_fields_set,
        config.levels,
    )
    with blaming(dataset):
        classes = classes_of(dataset, items, config) if config.labels else None
    may_skip = 0.0 if config.invalid == "error" else 1.0 if first_rules else MAY_SKIP
    return Plan(items, form, classes, may_skip)


def items_of(dataset: Dataset, config: DataKeys) -> Sequence[Item]:
    """The dataset's `items` by the rules of `config.format`. Raises DataError for any exception in it."""
    dataset.format = config.format or FORMAT
    with blaming(dataset):
        found = dataset.items()
        return found if isinstance(found, Sequence) else list(found)


@contextmanager
def blaming(dataset: Dataset) -> Iterator[None]:
    """Makes what a dataset's own code raises a DataError that names the plugin and its module or file."""
    try:
        yield
    except (GancoreError, MemoryError):
        raise
    except Exception as cause:
        plugin = type(dataset)
        origin = getattr(sys.modules.get(plugin.__module__), "__file__", None) or plugin.__module__
        raise DataError(f"dataset {plugin.__qualname__} of {origin} failed: {explain(cause)}") from cause


def _own_resolution(found: Survey | None, total: int) -> int:
    """The most common size among the first images. Raises DataError where that is none for training."""
    if found is None or found.most_common is None:
        rejected = found.rejected if found else []
        error = refusal(rejected, total, first=len(rejected) < total)
        raise DataError(f"{error.found}\nso their size is not known; `resolution` may say it")
    width, height = found.most_common[0]
    if width != height:
        raise DataError(
            f"the images are not square ({width}x{height}); say `resolution` and how they should be made square, "
            "`fit: resize | crop | pad | wide`"
        )
    return width


def classes_of(dataset: Dataset, items: Sequence[Item], config: DataKeys) -> Sequence[str]:
    """The names of the classes, or of the entries of vectors; raises DataError unless every item has such a label."""
    names = dataset.class_names()
    without = [item.name for item in items if item.label is None]
    if len(without) == len(items):
        raise NoLabels("`labels: true`, but the data set has no labels; `labels: false` trains without them")
    if without:
        told = "".join(f"; {note}" for note in dataset.notes(labels=True))
        raise DataError(f"{len(without)} of {len(items)} images have no label: {some(without)}{told}")
    labels = labels_of_items(items)
    if labels.ndim == 2:
        own = names is not None and len(names) == labels.shape[1]
        return names if names is not None and own else [str(entry) for entry in range(labels.shape[1])]
    if names is None:
        names = numbered(labels.tolist())
    if len(names) > MOST_CLASSES:
        raise DataError(f"{len(names):,} classes; at most {MOST_CLASSES:,} can be labels")
    wrong = ((labels < 0) | (labels >= len(names))).tolist()
    outside = [f"{item.name} ({item.label})" for item, is_wrong in zip(items, wrong, strict=True) if is_wrong]
    if outside:
        raise DataError(f"labels must be 0 to {len(names) - 1}; {len(outside)} are not: {some(outside)}")
    if len(names) == 1 and config.format != 1:
        raise DataError(
            f"`labels: true`, but there is one class only ({names[0]}), and a label that is always the same says "
            "nothing; `labels: false` trains without"
        )
    return [shown(name) for name in names]
