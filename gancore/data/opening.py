"""From a dataset plugin and the core's keys of `data:` to decoded images, from the cache where they are there."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np

from gancore.config.sections.data import FORMAT, DataKeys
from gancore.contracts import Dataset, Interface, Item
from gancore.data import store
from gancore.data.cache_key import cache_folder, cache_key
from gancore.data.decode import Form
from gancore.data.images import DataIdentity, ImageData, content_hash
from gancore.data.index import MOST_CLASSES, numbered
from gancore.data.labels import label_array, labels_of_items
from gancore.data.notes import notes_on_classes, notes_on_reading
from gancore.data.reading import SAMPLED, Reading, Survey, decode_all, sample, survey
from gancore.data.rejected import described, refusal
from gancore.data.store import Decoded
from gancore.errors import DataError, GancoreError
from gancore.names import shown, some
from gancore.registry import explain

MEMORY_LIMIT = 2 * 2**30
"""Bytes of pixels beyond which images are mapped from the cache instead of being held in memory."""

MAY_SKIP = 0.5
"""The share of images that `invalid: skip` leaves out before it is taken for a mistake."""

WORTH_KEEPING = 2.0
"""Seconds of decoding from which the result is kept on disk; emoji take 0.4 s of one core, Fashion-MNIST 9 s."""


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


def open_data(
    dataset: Dataset,
    config: DataKeys,
    cache_dir: Path | None = None,
    memory_limit: int = MEMORY_LIMIT,
    name: str = "",
) -> ImageData:
    """All images of a data set, decoded, checked and fitted.

    cache_dir: where decoded images are kept (default: gancore.data.cache_key.cache_folder()).
    memory_limit: bytes of pixels beyond which they are mapped from the cache.
    name: the plugin's name, for the identity.

    Raises DataError when the data set is missing or empty, or, naming up to ten of them, when images cannot be used.
    """
    plan = plan_of(dataset, config)
    folder = cache_dir or cache_folder()
    path = _cache_path(dataset, plan, folder)
    decoded = store.load(path, memory_limit) if path else None
    if decoded is None:
        decoded = _decode_mapped(plan, folder, path) if plan.size > memory_limit else _decode_in_memory(plan, path)
    return _image_data(decoded, plan, dataset, config, name or type(dataset).__name__.lower())


def interface_of(dataset: Dataset, config: DataKeys) -> Interface:
    """Resolution, channels and label_dim of the images, decoding no more than it takes to see that they can be.

    Raises DataError, also when none of the first images can be used.
    """
    plan = plan_of(dataset, config)
    sample(plan.items, plan.form, plan.may_skip > 0)
    return Interface(plan.form.resolution, plan.form.channels, len(plan.classes or ()))


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
    with _blaming(dataset):
        classes = classes_of(dataset, items, config) if config.labels else None
    may_skip = 0.0 if config.invalid == "error" else 1.0 if first_rules else MAY_SKIP
    return Plan(items, form, classes, may_skip)


def items_of(dataset: Dataset, config: DataKeys) -> Sequence[Item]:
    """The dataset's `items` by the rules of `config.format`. Raises DataError for any exception in it."""
    dataset.format = config.format or FORMAT
    with _blaming(dataset):
        return list(dataset.items())


@contextmanager
def _blaming(dataset: Dataset) -> Iterator[None]:
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
            "`fit: resize | crop | pad`"
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


def _cache_path(dataset: Dataset, plan: Plan, folder: Path) -> Path | None:
    with _blaming(dataset):
        key = cache_key(dataset, plan.items, plan.form, plan.may_skip, plan.classes is not None)
    return folder / f"{key}.images" if key else None


def _decode_in_memory(plan: Plan, path: Path | None) -> Decoded:
    out = BytesIO()
    started = time.perf_counter()
    reading = decode_all(plan.items, plan.form, plan.may_skip, out)
    decoded = _decoded(np.frombuffer(out.getbuffer(), np.uint8), plan, reading)
    if path and time.perf_counter() - started > WORTH_KEEPING:
        try:
            store.save(path, decoded)
        except OSError as cause:
            store.log.warning(
                "decoded images cannot be kept in %s (%s); GANCORE_CACHE may name another folder", path.parent, cause
            )
    return decoded


def _decode_mapped(plan: Plan, folder: Path, path: Path | None) -> Decoded:
    """Decodes into a file, which is kept when it has a path, and is gone when it is no longer mapped otherwise."""
    store.clear_stale(folder)
    try:
        with store.temporary(folder) as file:
            reading = decode_all(plan.items, plan.form, plan.may_skip, file)
            file.flush()
            decoded = _decoded(store.mapped(Path(file.name)), plan, reading)
            if path:
                store.finish(file, path, decoded)
    except OSError as cause:
        raise DataError(
            f"{plan.size / 2**30:.1f} GiB of decoded images cannot be written to {folder} ({cause}); "
            "GANCORE_CACHE may name another folder"
        ) from cause
    return decoded


def _decoded(pixels: np.ndarray, plan: Plan, reading: Reading) -> Decoded:
    images = pixels.reshape(len(reading.kept), *plan.form.shape)
    labels = None if plan.classes is None else label_array([item.label for item in reading.kept])
    notes = notes_on_reading(reading, plan.form)
    return Decoded(images, labels, content_hash(images, labels), described(reading.rejected), notes)


def _image_data(decoded: Decoded, plan: Plan, dataset: Dataset, config: DataKeys, name: str) -> ImageData:
    form = plan.form
    identity = DataIdentity(
        sha256=decoded.sha256,
        count=len(decoded.images),
        resolution=form.resolution,
        channels=form.channels,
        label_dim=len(plan.classes or ()),
        filter=form.filter,
        fit=form.fit,
        mirror=config.mirror,
        dataset=name,
    )
    with _blaming(dataset):
        passed_over, notes = dataset.passed_over(), list(dataset.notes(labels=config.labels))
    if passed_over:
        notes.insert(0, f"passed over: {', '.join(map(str, passed_over))}")
    notes += decoded.notes
    if plan.classes is not None and decoded.labels is not None and decoded.labels.ndim == 1:
        notes += notes_on_classes(plan.classes, decoded.labels)
    return ImageData(decoded.images, decoded.labels, plan.classes or (), identity, decoded.skipped, passed_over, notes)
