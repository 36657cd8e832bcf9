"""What became of a run that met a fault, and the rows of the tables of docs/reliability.md."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

import torch

from gancore.artifacts import RunFolder
from gancore.artifacts.tensors import load_tensors

T = TypeVar("T")

Row = tuple[str, int, str]
"""A fault or a kind of input, how many times, what became of it."""

LOST = {"lost": "LOST"}


def are_equal(first: Path, second: Path) -> bool:
    """Whether two runs have equal models and last checkpoints, bit for bit, and no file is left unfinished."""
    pairs = [(RunFolder(folder).model, RunFolder(folder).checkpoints()[0]) for folder in (first, second)]
    for one, other in zip(*pairs, strict=True):
        a, b = load_tensors(one)[0], load_tensors(other)[0]
        if one.name != other.name or a.keys() != b.keys() or not all(torch.equal(a[name], b[name]) for name in a):
            return False
    return not list(second.rglob("*.tmp"))


def row(what: str, found: Counter[str], words: Mapping[str, str] | None = None) -> Row:
    """Outcomes with their counts, the most frequent first, each in the words for it."""
    words = LOST | dict(words or {})
    told = (f"{count} {words.get(outcome, outcome)}" for outcome, count in found.most_common())
    return what, found.total(), ", ".join(told)


def within(seconds: float, items: Iterable[T]) -> Iterator[T]:
    """Items, until there are no more or the time is over."""
    until = time.monotonic() + seconds
    for item in items:
        if time.monotonic() > until:
            return
        yield item
