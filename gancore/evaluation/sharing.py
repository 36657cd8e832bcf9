"""One evaluation by several processes: each computes every n-th batch, and then all of them have the rows of all.

Batches are those of one process, so rows have its bits, and every process computes the same scores from them.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from torch import distributed as dist

T = TypeVar("T")


@dataclass(frozen=True)
class Sharing:
    """The place of this process among those of an evaluation; by default it is alone. group: of gloo."""

    rank: int = 0
    size: int = 1
    group: Any = None

    @property
    def first(self) -> bool:
        return self.rank == 0

    def own(self, count: int) -> range:
        """Which of so many batches this process computes."""
        return range(self.rank, count, self.size)

    def whole(self, own: Sequence[T], count: int) -> Sequence[T]:
        """The results of all batches, in their order, from those of this process's `own`."""
        if self.size == 1:
            return own
        parts: list[Any] = [None] * self.size
        dist.all_gather_object(parts, own, group=self.group)
        return [parts[index % self.size][index // self.size] for index in range(count)]

    def kept_or_made(self, kept: Callable[[Callable[[], T]], T], make: Callable[[], T]) -> T:
        """What the first process has kept, or what all of them make together.

        kept: returns what there is, or else keeps what the function that it is given makes; the first process calls it.
        """
        if self.size == 1:
            return kept(make)
        if not self.first:
            found = self._first_says(None)
            return make() if found is None else found
        made: list[T] = []

        def together() -> T:
            self._first_says(None)
            made.append(make())
            return made[0]

        found = kept(together)
        if not made:
            self._first_says(found)
        return found

    @contextmanager
    def in_turn(self) -> Iterator[None]:
        """A context that the first process goes through before the others: these find what it has downloaded."""
        if not self.first:
            dist.barrier(group=self.group)
        try:
            yield
        finally:
            if self.first and self.size > 1:
                dist.barrier(group=self.group)

    def _first_says(self, word: T | None) -> T | None:
        words = [word]
        dist.broadcast_object_list(words, src=0, group=self.group)
        return words[0]


_sharing = Sharing()


def sharing() -> Sharing:
    """That of the evaluation which runs now."""
    return _sharing


@contextmanager
def shared_by(processes: Sharing) -> Iterator[None]:
    """A context in which these processes evaluate together."""
    global _sharing
    before, _sharing = _sharing, processes
    try:
        yield
    finally:
        _sharing = before
