"""Long passes over images: with a progress bar on a terminal or in a notebook, and stopped on request."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from tqdm import tqdm

from gancore.display import rewrites_lines

Batch = TypeVar("Batch")

_stop: Callable[[], bool] = lambda: False  # noqa: E731


class Stopped(Exception):
    """A pass ended early, on request."""


@contextmanager
def stoppable(stop: Callable[[], bool]) -> Iterator[None]:
    """A context in which passes call `stop` before every batch, and raise Stopped if it returns True."""
    global _stop
    before, _stop = _stop, stop
    try:
        yield
    finally:
        _stop = before


def shown(batches: Iterable[Batch], what: str, total: int, size: Callable[[Batch], int]) -> Iterator[Batch]:
    """The batches, with a bar that counts their images."""
    with tqdm(desc=what, total=total, unit=" images", delay=1, disable=not rewrites_lines(), leave=False) as bar:
        for batch in batches:
            if _stop():
                raise Stopped
            yield batch
            bar.update(size(batch))
