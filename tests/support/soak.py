"""Faults, injected many times: `make soak MINUTES=90` counts what became of each, and prints the tables of
docs/reliability.md, which it fills. `tests/faults` has samples.

    cd tests && python -m support.soak MINUTES
"""

import contextlib
import itertools
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from support.disk import Disk, How
from support.tiny import quick_experiment

from gancore.artifacts import RunFolder
from gancore.artifacts.tensors import load_tensors
from gancore.config import Experiment
from gancore.errors import GancoreError
from gancore.training import train


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


def are_equal(first: Path, second: Path) -> bool:
    """Whether two runs have equal models and last checkpoints, bit for bit, and no file is left unfinished."""
    pairs = [(RunFolder(folder).model, RunFolder(folder).checkpoints()[0]) for folder in (first, second)]
    for one, other in zip(*pairs, strict=True):
        a, b = load_tensors(one)[0], load_tensors(other)[0]
        if one.name != other.name or a.keys() != b.keys() or not all(torch.equal(a[name], b[name]) for name in a):
            return False
    return not list(second.rglob("*.tmp"))


# -- the whole -------------------------------------------------------------------------------------------------------

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
BEGIN, END = "<!-- soak: begin -->", "<!-- soak: end -->"
SHARES = {"disks": 0.15, "plugins": 0.12, "fuzz": 0.15, "kills": 0.58}
"""Of the minutes. Kills take up to half as long again where there are fewer than 20 of a kind."""

Row = tuple[str, int, str]


def soak(minutes: float, folder: Path) -> Iterator[Row]:
    """A row for each fault: what, how many times, the outcomes."""
    yield from disks(folder / "disk", minutes * 60 * SHARES["disks"])
    yield from plugins(folder / "plugins", minutes * 60 * SHARES["plugins"])
    yield from processes(folder / "kills", minutes * 60 * SHARES["kills"])


def disks(folder: Path, seconds: float) -> Iterator[Row]:
    """Every operation of a run on a disk that fails there, and power failures after each; in a random order, as many as
    there is time for."""
    straight = reference(folder / "straight")
    hows: tuple[How, ...] = ("full", "short", "broken")
    draw = random.Random(0)
    numbers, moments = list(range(straight.counted)), list(straight.crashes())
    draw.shuffle(numbers)
    draw.shuffle(moments)
    for how, lasting in itertools.product(hows, (True, False)):
        name = {"full": "disk full", "short": "disk full after half of a write", "broken": "I/O error"}[how]
        found: Counter[str] = Counter()
        until = time.monotonic() + seconds / 8
        for number in numbers:
            if time.monotonic() > until:
                break
            out = folder / "run"
            found[disk_fails(straight, out, number, how, lasting)] += 1
            shutil.rmtree(out)
        since = "from there on" if lasting else "once"
        words = {"ended": "told, and resumed with equal bits", "went on": "trained on, equal bits", "lost": "LOST"}
        yield (
            f"{name}, {since}, at one of {len(numbers)} writes, flushes and renames",
            found.total(),
            told(found, words),
        )
    found = Counter()
    until = time.monotonic() + seconds / 4
    for _, files in moments:
        if time.monotonic() > until:
            break
        out = folder / "run"
        found[power_fails(straight, out, files)] += 1
        shutil.rmtree(out)
    words = {"the same": "resumed with equal bits", "lost": "LOST"}
    yield f"power failure at one of {len(moments)} moments, renames lost or not", found.total(), told(found, words)


def plugins(folder: Path, seconds: float) -> Iterator[Row]:
    """Each hook of each plugin with each fault, in a random order, as long as there is time."""
    from support import faulty

    train(faulty.with_every_kind(), folder / "straight")
    hooks = faulty.called_hooks(folder / "hooks")
    cases = [(*hook, fault) for hook in hooks for fault in faulty.FAULTS]
    random.Random(0).shuffle(cases)
    found: dict[str, Counter[str]] = {fault: Counter() for fault in faulty.FAULTS}
    until = time.monotonic() + seconds
    for plugin, name, fault in cases:
        if time.monotonic() > until:
            break
        out = folder / "run"
        outcome = faulty.meets(plugin, name, fault, out)
        if outcome == "ended":
            train(faulty.with_every_kind(), out)
            outcome = "ended" if are_equal(folder / "straight", out) else "lost"
        found[fault][outcome] += 1
        shutil.rmtree(out)
    words = {"ended": "ended, and resumed with equal bits", "went on": "trained on with it", "lost": "LOST"}
    for fault, outcomes in found.items():
        yield f"a method of a plugin {fault} (of {len(hooks)} methods)", outcomes.total(), told(outcomes, words)


def processes(folder: Path, seconds: float) -> Iterator[Row]:
    """Kills at random moments, at least 20 of a kind."""
    from support.kills import KINDS, killed, undisturbed

    for number, (name, kind) in enumerate(KINDS.items()):
        at = folder / str(number)
        at.mkdir(parents=True)
        took = undisturbed(kind, at / "straight")
        draw, kills, runs, equal = random.Random(number), 0, 0, 0
        began, share = time.monotonic(), seconds / len(KINDS)
        while time.monotonic() < began + (1.5 if kills < 20 else 1) * share - took:
            out = at / f"run{runs}"
            kills += killed(kind, out, draw, 0.6 * took)
            runs += 1
            pairs = list(zip(kind.runs(at / "straight"), kind.runs(out), strict=True))
            equal += all(are_equal(first, second) for first, second in pairs)
            shutil.rmtree(out)
        yield f"SIGKILL at a random moment: {name}", kills, f"{equal} of {runs} runs with equal bits"
    yield "SIGKILL of a raylet: Ray with two raylets", 0, "not run: needs the package ray (`tests/grid/test_ray.py`)"


def fuzz(minutes: float, folder: Path) -> Iterator[Row]:
    """A row for each kind of input: what, how many, the outcomes. Each kind has the same time."""
    from support.fuzz import Fuzz, outcomes

    attempts = Fuzz(folder).all()
    for name, attempt in attempts.items():
        found = outcomes(attempt, name, numbers_for(minutes * 60 * SHARES["fuzz"] / len(attempts)))
        yield name, found.total(), told(found, {})


def numbers_for(seconds: float) -> Iterator[int]:
    """0, 1, 2, ... for some seconds."""
    until = time.monotonic() + seconds
    return itertools.takewhile(lambda _: time.monotonic() < until, itertools.count())


def told(found: Counter[str], words: Mapping[str, str]) -> str:
    return ", ".join(f"{count} {words.get(outcome, outcome)}" for outcome, count in found.most_common())


def table(what: str, times: str, rows: Iterator[Row]) -> Iterator[str]:
    """The lines of a table, as they are known; what trainings say is dropped."""
    yield from ("", f"| {what} | {times} | outcome |", "|---|---|---|")
    total = 0
    while True:
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere):
            row = next(rows, None)
        if row is None:
            yield f"| all | {total:,} | |"
            return
        total += row[1]
        yield f"| {row[0]} | {row[1]:,} | {row[2]} |"


def main() -> None:
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 90.0
    torch.set_num_threads(1)
    os.environ |= {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    os.fsync = lambda descriptor: None
    started, lines, end = time.monotonic(), [], "was cut off after"
    try:
        with tempfile.TemporaryDirectory() as folder:
            os.environ |= {"GANCORE_CACHE": f"{folder}/cache", "GANCORE_DATA": f"{folder}/data"}
            inputs = table("input", "tries", fuzz(minutes, Path(folder)))
            for line in itertools.chain(inputs, table("fault", "times", soak(minutes, Path(folder)))):
                lines.append(line)
                print(line, flush=True)
        end = "took"
    finally:  # what is known is written, also where a part fails or is interrupted
        took = (
            f"`make soak MINUTES={minutes:g}` {end} {(time.monotonic() - started) / 60:.0f} minutes and printed this:"
        )
        before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
        text = "\n".join([took, *lines])
        PAGE.write_text(f"{before}{BEGIN}\n{text}\n\n{END}{rest.split(END)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
