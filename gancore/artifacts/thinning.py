"""Which grids of samples a run keeps: some, spread evenly from its beginning to now, so that they remain a film."""

from collections.abc import Sequence
from pathlib import Path


def count(kimg: float, every: float, keep: int | None) -> int:
    """Most grids that a run of this length has at a time: one at the start, one every `every` kimg, one at the end."""
    made = int(kimg / every) + 2
    return made if keep is None else min(made, keep)


def superfluous(grids: Sequence[tuple[float, Path]], every: float, keep: int) -> list[Path]:
    """Those to delete so that at most `keep` are left: each of them is the 1st, 2nd, 4th, 8th, ... of the grids.

    grids: with their kimg, a new one every `every` kimg. The newest is always kept. keep: at least 2.
    What is kept is a function of how far the run is: a run that was interrupted keeps the same.
    """
    first: dict[int, Path] = {}
    for kimg, path in sorted(grids):
        first.setdefault(int(kimg / every), path)
    newest = max(grids)[1]
    last = max(first) + (newest not in first.values())
    stride = 1
    while -(-last // stride) + 1 > keep:
        stride *= 2
    kept = {path for number, path in first.items() if number % stride == 0} | {newest}
    return [path for _, path in grids if path not in kept]
