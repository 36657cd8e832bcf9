"""Runs whose disk fails, or whose power fails, at each of their operations in turn."""

import itertools
import random
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from support.disk import Disk, How
from support.outcomes import Row, are_equal, row, within
from support.tiny import quick_experiment

from gancore.config import Experiment
from gancore.errors import GancoreError
from gancore.training import train

NAMES: dict[How, str] = {
    "full": "disk full",
    "short": "disk full after half of a write",
    "broken": "I/O error",
    "read-only": "read-only file system",
    "denied": "permission denied",
}


def small() -> Experiment:
    """Three steps, a checkpoint at each."""
    return quick_experiment(training__kimg=0.024, training__checkpoint_kimg=0.008, training__log_kimg=0.008)


def reference(out: Path) -> Disk:
    """A run whose disk does not fail, and what it did."""
    with Disk(out).watched() as disk:
        train(small(), out)
    return disk


def disk_fails(straight: Disk, out: Path, number: int, how: How, lasting: bool) -> str:
    """What becomes of a run whose disk fails at an operation, and then no longer."""
    outcome = "went on"
    with Disk(out, number, how, lasting).watched():
        try:
            train(small(), out)
        except (GancoreError, OSError):
            outcome = "ended"
    train(small(), out)
    return outcome if are_equal(straight.folder, out) else "lost"


def power_fails(straight: Disk, out: Path, files: Mapping[Path, bytes]) -> str:
    """What becomes of a run that goes on after a power failure with these files."""
    for path, content in files.items():
        (out / path).parent.mkdir(parents=True, exist_ok=True)
        (out / path).write_bytes(content)
    train(small(), out)
    return "the same" if are_equal(straight.folder, out) else "lost"


def disks(folder: Path, seconds: float) -> Iterator[Row]:
    """Every operation of a run on a disk that fails there, and power failures after each; in a random order, as many as
    there is time for."""
    straight = reference(folder / "straight")
    draw = random.Random(0)
    numbers, moments = list(range(straight.counted)), list(straight.crashes())
    draw.shuffle(numbers)
    draw.shuffle(moments)
    out, share = folder / "run", seconds / (2 * len(NAMES) + 2)
    for how, lasting in itertools.product(NAMES, (True, False)):
        found: Counter[str] = Counter()
        for number in within(share, numbers):
            found[disk_fails(straight, out, number, how, lasting)] += 1
            shutil.rmtree(out, ignore_errors=True)
        since = "from there on" if lasting else "once"
        words = {"ended": "told, and resumed with equal bits", "went on": "trained on, equal bits"}
        yield row(f"{NAMES[how]}, {since}, at one of {len(numbers)} operations", found, words)
    found = Counter()
    for _, files in within(2 * share, moments):
        found[power_fails(straight, out, files)] += 1
        shutil.rmtree(out)
    words = {"the same": "resumed with equal bits"}
    yield row(f"power failure at one of {len(moments)} moments, renames lost or not", found, words)
