"""From a dataset plugin and the core's keys of `data:` to decoded images, from the cache where they are there."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np

from gancore.config.sections.data import DataKeys
from gancore.contracts import Dataset, Interface, Item
from gancore.data import store
from gancore.data.cache_key import cache_folder, cache_key
from gancore.data.decode import Form
from gancore.data.images import DataIdentity, ImageData, content_hash
from gancore.data.labels import label_array, labels_of_items
from gancore.data.layout import MOST_CLASSES, numbered
from gancore.data.reading import Rejections, decode_all, sample, survey
from gancore.data.rejected import described
from gancore.data.store import Decoded
from gancore.errors import DataError, GancoreError
from gancore.registry import explain

MEMORY_LIMIT = 2 * 2**30
"""Bytes of pixels beyond which images are mapped from the cache instead of being held in memory."""

WORTH_KEEPING = 2.0
"""Seconds of decoding from which the result is kept on disk; emoji take 0.4 s of one core, Fashion-MNIST 9 s."""


@dataclass(frozen=True)
class Plan:
    """What is to be decoded, and into what. `classes` is None when training without labels."""

    items: Sequence[Item]
    form: Form
    classes: Sequence[str] | None
    skip: bool

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
    return _image_data(decoded, plan, config, name or type(dataset).__name__.lower())


def interface_of(dataset: Dataset, config: DataKeys) -> Interface:
    """Resolution, channels and label_dim of the images, decoding no more than it takes to see that they can be.

    Raises DataError, also when none of the first images can be used.
    """
    plan = plan_of(dataset, config)
    sample(plan.items, plan.form, plan.skip)
    return Interface(plan.form.resolution, plan.form.channels, len(plan.classes or ()))


def plan_of(dataset: Dataset, config: DataKeys) -> Plan:
    """What there is to decode; looks at labels and at the headers of the first images. Raises DataError."""
    items = items_of(dataset)
    if not items:
        raise DataError("the data set is empty")
    found = survey(items)
    resolution = config.resolution or _own_resolution(found[0] if found else None)
    form = Form(resolution, config.channels, config.fit, config.filter, found[1] if found else None)
    with _blaming(dataset):
        classes = _classes(dataset, items) if config.labels else None
    return Plan(items, form, classes, config.invalid == "skip")


def items_of(dataset: Dataset) -> Sequence[Item]:
    """What the dataset's own `items` gives; DataError for whatever it raises."""
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


def _own_resolution(size: tuple[int, int] | None) -> int:
    if size is None:
        raise DataError("none of the first images can be read, so their size is not known; say `resolution`")
    if size[0] != size[1]:
        raise DataError(
            f"the images are not square ({size[0]}x{size[1]}); say `resolution` and how they should be made square, "
            "`fit: resize | crop | pad`"
        )
    return size[0]


def _classes(dataset: Dataset, items: Sequence[Item]) -> Sequence[str]:
    """The names of the classes, or of the entries of vectors; raises DataError unless every item has such a label."""
    without = [item.name for item in items if item.label is None]
    if len(without) == len(items):
        raise DataError("`labels: true`, but the data set has no labels; `labels: false` trains without them")
    if without:
        raise DataError(f"{len(without)} of {len(items)} images have no label: {_some(without)}")
    names, labels = dataset.class_names(), labels_of_items(items)
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
        raise DataError(f"labels must be 0 to {len(names) - 1}; {len(outside)} are not: {_some(outside)}")
    return names


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")


def _cache_path(dataset: Dataset, plan: Plan, folder: Path) -> Path | None:
    with _blaming(dataset):
        key = cache_key(dataset, plan.items, plan.form, plan.skip, plan.classes is not None)
    return folder / f"{key}.images" if key else None


def _decode_in_memory(plan: Plan, path: Path | None) -> Decoded:
    out = BytesIO()
    started = time.perf_counter()
    kept, rejected = decode_all(plan.items, plan.form, plan.skip, out)
    decoded = _decoded(np.frombuffer(out.getbuffer(), np.uint8), plan, kept, rejected)
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
    try:
        with store.temporary(folder) as file:
            kept, rejected = decode_all(plan.items, plan.form, plan.skip, file)
            file.flush()
            decoded = _decoded(store.mapped(Path(file.name)), plan, kept, rejected)
            if path:
                store.finish(file, path, decoded)
    except OSError as cause:
        raise DataError(
            f"{plan.size / 2**30:.1f} GiB of decoded images cannot be written to {folder} ({cause}); "
            "GANCORE_CACHE may name another folder"
        ) from cause
    return decoded


def _decoded(pixels: np.ndarray, plan: Plan, kept: Sequence[Item], rejected: Rejections) -> Decoded:
    images = pixels.reshape(len(kept), *plan.form.shape)
    labels = None if plan.classes is None else label_array([item.label for item in kept])
    return Decoded(images, labels, content_hash(images, labels), described(rejected))


def _image_data(decoded: Decoded, plan: Plan, config: DataKeys, name: str) -> ImageData:
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
    return ImageData(decoded.images, decoded.labels, plan.classes or (), identity, decoded.skipped)
