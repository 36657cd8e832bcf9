"""Decodes all images of a data set, a few at a time on all cores, and sorts out those that cannot be used."""

import os
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
from tqdm import tqdm

from gancore.contracts import Item
from gancore.data.color import channels_of
from gancore.data.decode import KINDS, Form, Picture, decode_picture, open_image, pillow_warnings
from gancore.data.rejected import Rejected, Rejections, refusal
from gancore.display import rewrites_lines

CHUNK = 8
"""Images that a thread takes at a time; as many per thread are held in memory."""

IN_FLIGHT = 256 * 2**20
"""Bytes of image files that are held in memory at a time, beside one more file."""

ENOUGH = 200
"""Reading stops after this many unusable images, unless they are skipped."""

SAMPLED = 32
"""Images that are tried in order to see that a data set can be decoded."""

Content = bytes | np.ndarray


@dataclass(frozen=True)
class Reading:
    """The items that were written, those left out, and how many of the written ones held how many channels.

    kept: positions among all items. extremes: lowest and highest value of each gray image of more than 8 bits.
    """

    kept: Sequence[int]
    rejected: Rejections
    held: Counter[int]
    extremes: list[tuple[float, float]]


@dataclass(frozen=True)
class Survey:
    """What the headers of images say: how many have each (width, height) and channels, and which cannot be read."""

    seen: Counter[tuple[tuple[int, int], int]]
    rejected: list[tuple[str, Rejected]]

    @property
    def most_common(self) -> tuple[tuple[int, int], int] | None:
        """(width, height) and channels; None when no header can be read."""
        return max(self.seen, key=lambda key: self.seen[key], default=None)

    def sizes(self) -> Counter[tuple[int, int]]:
        return sum((Counter({size: count}) for (size, _), count in self.seen.items()), Counter())

    def channels(self) -> Counter[int]:
        return sum((Counter({held: count}) for (_, held), count in self.seen.items()), Counter())


class Sink(Protocol):
    """What takes the pixels: a file, or a hash."""

    def write(self, pixels: Any, /) -> Any: ...


def decode_all(items: Sequence[Item], form: Form, may_skip: float, out: Sink) -> Reading:
    """Writes the pixels [C, R, R] of every image to `out`.

    may_skip: the share of images that may be left out because they cannot be used, 0 to 1.

    Raises DataError naming the images that cannot be used where these are too many, or all of them, and those that are
    unlike the others where they are to be alike.
    """
    kept = array("q")
    rejected: list[tuple[str, Rejected]] = []
    held = array("b")
    extremes: list[tuple[float, float]] = []
    for position, (item, result) in enumerate(_decoded(items, form)):
        if isinstance(result, Picture):
            out.write(result.pixels.data)
            kept.append(position)
            held.append(result.held)
            extremes += [result.extremes] if result.extremes else []
            continue
        rejected.append((item.name, result))
        if len(rejected) >= ENOUGH and not may_skip:
            break
    looked_at = len(kept) + len(rejected)
    too_many = len(rejected) > may_skip * looked_at or not kept
    unlike = _unlike([items[i] for i in kept], held) if form.alike and len(set(held)) > 1 else []
    if too_many or unlike:
        wrong = dict(unlike) | (dict(rejected) if too_many else {})
        in_order = [(item.name, wrong[item.name]) for item in items if item.name in wrong]
        raise refusal(in_order, looked_at, skipping=may_skip > 0)
    return Reading(kept, rejected, Counter(held), extremes)


def _unlike(items: Sequence[Item], held: Sequence[int]) -> list[tuple[str, Rejected]]:
    """The images that hold other channels than most."""
    counts = Counter(held)
    usual = max(counts, key=lambda channels: counts[channels])
    pairs = zip(items, held, strict=True)
    return [
        (item.name, Rejected("channels", f"{KINDS[channels]}, unlike the others ({KINDS[usual]})"))
        for item, channels in pairs
        if channels != usual
    ]


def survey(items: Sequence[Item], first: int | None = None) -> Survey:
    """The headers of all images, or of the first ones. Where a plugin offers no header, the image is read whole."""
    found = Survey(Counter(), [])
    bar = tqdm(items[:first], "looking", unit=" images", delay=1, disable=not rewrites_lines(), leave=False)
    with pillow_warnings():
        for item in bar:
            try:
                found.seen[_header(item)] += 1
            except Rejected as cause:
                found.rejected.append((item.name, cause))
    return found


def _header(item: Item) -> tuple[tuple[int, int], int]:
    """(width, height) and channels of an image. Raises Rejected."""
    with ExitStack() as stack:
        try:
            content: Any = item.read() if item.head is None else stack.enter_context(item.head())
        except MemoryError:
            raise
        except Exception as cause:  # see read
            raise _unreadable(cause) from cause
        image = open_image(content)
        return image.size, channels_of(image)


def sample(items: Sequence[Item], form: Form, skip: bool) -> None:
    """Decodes one of the first images, to see that it can be done. Raises DataError naming them when none can."""
    rejected: list[tuple[str, Rejected]] = []
    with pillow_warnings():
        for item in items[:SAMPLED]:
            result = decoded(read(item), form)
            if isinstance(result, Picture):
                return
            rejected.append((item.name, result))
    if not (skip and len(items) > SAMPLED):
        raise refusal(rejected, len(items), skip, first=len(rejected) < len(items))


def _decoded(items: Sequence[Item], form: Form) -> Iterator[tuple[Item, Picture | Rejected]]:
    """Every item with its pixels or a message. Reading is left to one thread: plugins need no locks."""
    threads = os.cpu_count() or 1
    bar = tqdm(total=len(items), desc="decoding", unit=" images", delay=1, disable=not rewrites_lines(), leave=False)
    with pillow_warnings(), bar, ThreadPoolExecutor(threads) as pool:
        for some in _in_pieces(items, CHUNK * threads):
            chunks = [some[i : i + CHUNK] for i in range(0, len(some), CHUNK)]
            contents = [[content for _, content in chunk] for chunk in chunks]
            results = [result for chunk in pool.map(partial(_decode_each, form=form), contents) for result in chunk]
            yield from zip([item for item, _ in some], results, strict=True)
            bar.update(len(some))


def _in_pieces(items: Sequence[Item], most: int) -> Iterator[list[tuple[Item, Content | Rejected]]]:
    """Items with their contents, `most` at a time, or fewer where these are large."""
    piece: list[tuple[Item, Content | Rejected]] = []
    size = 0
    for item in items:
        content = read(item)
        piece.append((item, content))
        size += 0 if isinstance(content, Rejected) else len(content) if isinstance(content, bytes) else content.nbytes
        if len(piece) == most or size >= IN_FLIGHT:
            yield piece
            piece, size = [], 0
    if piece:
        yield piece


def _decode_each(contents: Sequence[Content | Rejected], form: Form) -> list[Picture | Rejected]:
    return [decoded(content, form) for content in contents]


def decoded(content: Content | Rejected, form: Form) -> Picture | Rejected:
    """The picture of what `read` returned, or a message."""
    if isinstance(content, Rejected):
        return content
    try:
        return decode_picture(content, form)
    except Rejected as rejected:
        return rejected


def read(item: Item) -> Content | Rejected:
    """The content of an item, or why there is none."""
    try:
        return item.read()
    except MemoryError:
        raise
    except Exception as cause:  # a plugin's source may raise anything; the image is named
        return _unreadable(cause)


def _unreadable(cause: Exception) -> Rejected:
    return Rejected("damaged", f"cannot be read: {cause or type(cause).__name__}")
