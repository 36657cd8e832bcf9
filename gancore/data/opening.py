"""From a dataset plugin and the core's keys of `data:` to decoded images, from the cache where they are there."""

import time
from io import BytesIO
from pathlib import Path

import numpy as np

from gancore.config.sections.data import DataKeys
from gancore.contracts import Dataset, Interface
from gancore.data import store
from gancore.data.cache_key import cache_folder, cache_key
from gancore.data.content_hash import PixelHash, content_hash
from gancore.data.images import DataIdentity, ImageData
from gancore.data.labels import label_array
from gancore.data.notes import notes_on_classes, notes_on_reading
from gancore.data.on_the_fly import OnTheFly
from gancore.data.plan import Plan, blaming, plan_of
from gancore.data.reading import Reading, decode_all, sample
from gancore.data.rejected import described
from gancore.data.store import Decoded, Known
from gancore.errors import DataError

MEMORY_LIMIT = 2 * 2**30
"""Bytes of pixels beyond which images are mapped from the cache instead of being held in memory."""

WORTH_KEEPING = 2.0
"""Seconds of decoding from which the result is kept on disk; emoji take 0.4 s of one core, Fashion-MNIST 9 s."""


def open_data(
    dataset: Dataset,
    config: DataKeys,
    cache_dir: Path | None = None,
    memory_limit: int = MEMORY_LIMIT,
    name: str = "",
) -> ImageData:
    """All images of a data set, checked and fitted, and decoded, unless that is to be done on the fly.

    cache_dir: where decoded images are kept (default: gancore.data.cache_key.cache_folder()).
    memory_limit: bytes of pixels beyond which they are mapped from the cache.
    name: the plugin's name, for the identity.

    Raises DataError when the data set is missing or empty, or, naming up to ten of them, when images cannot be used.
    """
    plan = plan_of(dataset, config)
    folder = cache_dir or cache_folder()
    path = _cache_path(dataset, plan, folder)
    name = name or type(dataset).__name__.lower()
    if config.decode == "on_the_fly":
        path = path.with_suffix(".known") if path else None
        known = (store.load_known(path) if path else None) or _know(plan, path)
        images = OnTheFly(plan.items, known.positions, plan.form, known.checksums)
        return _image_data(images, known, plan, dataset, config, name)
    decoded = store.load(path, memory_limit) if path else None
    if decoded is None:
        decoded = _decode_mapped(plan, folder, path) if plan.size > memory_limit else _decode_in_memory(plan, path)
    return _image_data(decoded.images, decoded, plan, dataset, config, name)


def interface_of(dataset: Dataset, config: DataKeys) -> Interface:
    """Resolution, channels and label_dim of the images, decoding no more than it takes to see that they can be.

    Raises DataError, also when none of the first images can be used.
    """
    plan = plan_of(dataset, config)
    sample(plan.items, plan.form, plan.may_skip > 0)
    return Interface(plan.form.resolution, plan.form.channels, len(plan.classes or ()))


def _cache_path(dataset: Dataset, plan: Plan, folder: Path) -> Path | None:
    with blaming(dataset):
        key = cache_key(dataset, plan.items, plan.form, plan.may_skip, plan.classes is not None)
    return folder / f"{key}.images" if key else None


def _decode_in_memory(plan: Plan, path: Path | None) -> Decoded:
    out = BytesIO()
    started = time.perf_counter()
    reading = decode_all(plan.items, plan.form, plan.may_skip, out)
    decoded = _decoded(np.frombuffer(out.getbuffer(), np.uint8), plan, reading)
    if path and time.perf_counter() - started > WORTH_KEEPING:
        _keep(path, decoded)
    return decoded


def _know(plan: Plan, path: Path | None) -> Known:
    """Decodes every image once, to check and hash it; none is kept."""
    digest = PixelHash()
    reading = decode_all(plan.items, plan.form, plan.may_skip, digest)
    labels = _labels(plan, reading)
    sha256 = digest.finished((len(reading.kept), *plan.form.shape), labels)
    positions = np.array(reading.kept) if reading.rejected else None
    notes = notes_on_reading(reading, plan.form)
    checksums = np.array(digest.checksums, np.uint32)
    known = Known(checksums, positions, labels, sha256, described(reading.rejected), notes)
    if path:
        _keep(path, known)
    return known


def _keep(path: Path, found: Decoded | Known) -> None:
    try:
        store.save(path, found)
    except OSError as cause:
        store.log.warning(
            "decoded images cannot be kept in %s (%s); GANCORE_CACHE may name another folder", path.parent, cause
        )


def _decode_mapped(plan: Plan, folder: Path, path: Path | None) -> Decoded:
    """Decodes into a file, which is kept when it has a path, and is gone when it is no longer mapped otherwise."""
    store.clear_stale(folder)
    try:
        with store.temporary(folder) as file:
            reading = decode_all(plan.items, plan.form, plan.may_skip, file)
            file.flush()
            decoded = _decoded(store.mapped(Path(file.name)), plan, reading)
            if path:
                store.finish(file, path, decoded.about())
    except OSError as cause:
        raise DataError(
            f"{plan.size / 2**30:.1f} GiB of decoded images cannot be written to {folder} ({cause}); "
            "GANCORE_CACHE may name another folder"
        ) from cause
    return decoded


def _decoded(pixels: np.ndarray, plan: Plan, reading: Reading) -> Decoded:
    images = pixels.reshape(len(reading.kept), *plan.form.shape)
    labels = _labels(plan, reading)
    notes = notes_on_reading(reading, plan.form)
    return Decoded(images, labels, content_hash(images, labels), described(reading.rejected), notes)


def _labels(plan: Plan, reading: Reading) -> np.ndarray | None:
    return None if plan.classes is None else label_array([plan.items[i].label for i in reading.kept])


def _image_data(
    images: np.ndarray | OnTheFly,
    found: Decoded | Known,
    plan: Plan,
    dataset: Dataset,
    config: DataKeys,
    name: str,
) -> ImageData:
    form = plan.form
    identity = DataIdentity(
        sha256=found.sha256,
        count=len(images),
        resolution=form.resolution,
        channels=form.channels,
        label_dim=len(plan.classes or ()),
        filter=form.filter,
        fit=form.fit,
        mirror=config.mirror,
        dataset=name,
    )
    with blaming(dataset):
        passed_over, notes = dataset.passed_over(), list(dataset.notes(labels=config.labels))
    if passed_over:
        notes.insert(0, f"passed over: {', '.join(map(str, passed_over))}")
    notes += found.notes
    if plan.classes is not None and found.labels is not None and found.labels.ndim == 1:
        notes += notes_on_classes(plan.classes, found.labels)
    return ImageData(images, found.labels, plan.classes or (), identity, found.skipped, passed_over, notes)
