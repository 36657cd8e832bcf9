"""A progress bar for long passes over images; nothing where there is no terminal."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

Batch = TypeVar("Batch")


def shown(batches: Iterable[Batch], what: str, total: int, size: Callable[[Batch], int]) -> Iterator[Batch]:
    """The batches, with a bar that counts their images."""
    with tqdm(desc=what, total=total, unit=" images", delay=1, disable=None, leave=False) as bar:
        for batch in batches:
            yield batch
            bar.update(size(batch))
