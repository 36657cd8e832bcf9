"""Decodes all images of a data set, a few at a time on all cores, and sorts out those that cannot be used."""

import os
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import BinaryIO

import numpy as np
from PIL import Image
from tqdm import tqdm

from gancore.contracts import Item
from gancore.data.color import channels_of
from gancore.data.decode import Form, decode, open_image
from gancore.data.rejected import Rejected, refusal

CHUNK = 8
"""Images that a thread takes at a time; as many per thread are held in memory."""

ENOUGH = 200
"""Unusable images after which the others are not looked at, unless they are to be skipped."""

SURVEYED = 32
"""Images whose size and channels say what the others should be."""

Content = bytes | np.ndarray
Rejections = list[tuple[str, Rejected]]


def decode_all(items: Sequence[Item], form: Form, skip: bool, out: BinaryIO) -> tuple[list[Item], Rejections]:
    """Writes the pixels [C, R, R] of every image to `out`; gives the items written and those left out.

    Raises DataError naming the images that cannot be used, unless they are to be skipped and some remain.
    """
    kept: list[Item] = []
    rejected: Rejections = []
    for item, result in _decoded(items, form):
        if not isinstance(result, Rejected):
            out.write(result.data)
            kept.append(item)
            continue
        rejected.append((item.name, result))
        if not skip and len(rejected) >= ENOUGH:
            break
    if rejected and not (skip and kept):
        raise refusal(rejected, len(kept) + len(rejected), skip)
    return kept, rejected


def survey(items: Sequence[Item]) -> tuple[tuple[int, int], int] | None:
    """The most common (width, height) and channels among the first images; None when none of them can be read."""
    seen: Counter[tuple[tuple[int, int], int]] = Counter()
    with _pillow_warnings():
        for item in items[:SURVEYED]:
            content = _read(item)
            if not isinstance(content, Rejected):
                try:
                    image = open_image(content)
                    seen[image.size, channels_of(image)] += 1
                except Rejected:
                    continue  # decode_all will name it
    return max(seen, key=lambda key: seen[key], default=None)


def sample(items: Sequence[Item], form: Form, skip: bool) -> None:
    """Decodes one of the first images, to see that it can be done. Raises DataError naming them when none can."""
    rejected: Rejections = []
    with _pillow_warnings():
        for item in items[:SURVEYED]:
            result = _decode(_read(item), form)
            if not isinstance(result, Rejected):
                return
            rejected.append((item.name, result))
    if not (skip and len(items) > SURVEYED):
        raise refusal(rejected, len(items), skip, first=len(rejected) < len(items))


def _decoded(items: Sequence[Item], form: Form) -> Iterator[tuple[Item, np.ndarray | Rejected]]:
    """Every item with its pixels or what is wrong with it. Reading is left to one thread: plugins need no locks."""
    threads = os.cpu_count() or 1
    step = CHUNK * threads
    bar = tqdm(total=len(items), desc="decoding", unit=" images", delay=1, disable=None, leave=False)
    with _pillow_warnings(), bar, ThreadPoolExecutor(threads) as pool:
        for start in range(0, len(items), step):
            some = items[start : start + step]
            contents = [_read(item) for item in some]
            chunks = [contents[i : i + CHUNK] for i in range(0, len(contents), CHUNK)]
            results = [result for chunk in pool.map(partial(_decode_each, form=form), chunks) for result in chunk]
            yield from zip(some, results, strict=True)
            bar.update(len(some))


def _decode_each(contents: Sequence[Content | Rejected], form: Form) -> list[np.ndarray | Rejected]:
    return [_decode(content, form) for content in contents]


def _decode(content: Content | Rejected, form: Form) -> np.ndarray | Rejected:
    if isinstance(content, Rejected):
        return content
    try:
        return decode(content, form)
    except Rejected as rejected:
        return rejected


def _read(item: Item) -> Content | Rejected:
    try:
        return item.read()
    except MemoryError:
        raise
    except Exception as cause:  # a plugin's source may raise anything; the image is named
        return Rejected("damaged", f"cannot be read: {cause or type(cause).__name__}")


class _pillow_warnings(warnings.catch_warnings):
    """Pillow warns of small flaws, which do not matter, and of decompression bombs, which are refused."""

    def __enter__(self) -> None:
        super().__enter__()
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
