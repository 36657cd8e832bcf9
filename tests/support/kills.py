"""SIGKILL at random moments: trainings of several kinds, each of which must end as if nothing had happened."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from support.grid_files import write_grid
from support.killing import child, start
from support.tiny import QUICK

Process = ForkServerProcess | subprocess.Popen[bytes]

EVERY_SECOND = {"training__checkpoint_kimg": 0.016, "training__log_kimg": 0.008, "training__sample_kimg": 0.08}
ADA = {
    "data__resolution": 8, "data__labels": True, "generator__mapping": {"layers": 1},
    "regularizers": {"r1": {"gamma": 1, "interval": 4}, "path_length": {"interval": 2}, "style_mixing": {}},
    "augmentation": {"use": "ada", "interval": 1}, "training__kimg": 0.24, **EVERY_SECOND,
}  # fmt: skip
FADE = {
    "generator__mapping": {"layers": 1}, "discriminator": "skip", "training__kimg": 0.24, **EVERY_SECOND,
    "training__growth": {"start": 4, "stable_kimg": 0.016, "fade_kimg": 0.08, "batch": {4: 16}},
}  # fmt: skip
SHARED = {**QUICK, "augmentation": {"use": "ada", "interval": 1}, "training__kimg": 0.4, **EVERY_SECOND}


@dataclass(frozen=True)
class Kind:
    """How to start a training into a folder, as processes that together are one; the folders of its runs."""

    start: Callable[[Path], Sequence[Process]]
    runs: Callable[[Path], Sequence[Path]] = lambda out: [out]


def _one(changes: dict[str, Any]) -> Callable[[Path], Sequence[Process]]:
    return lambda out: [start(child, out, None, changes, errors=out.with_name(f"{out.name}.txt"))]


def _two(out: Path) -> Sequence[Process]:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = str(found.getsockname()[1])
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": "2"}
    return [
        start(
            child, out, None, SHARED, environment={**shared, "RANK": rank, "LOCAL_RANK": rank},
            errors=out.with_name(f"{out.name}-{rank}.txt"),
        )
        for rank in "01"
    ]  # fmt: skip


def _grid(*options: str) -> Callable[[Path], Sequence[Process]]:
    def started(out: Path) -> Sequence[Process]:
        changes = {**QUICK, "augmentation": {"use": "ada", "interval": 1}, "training__kimg": 0.8, **EVERY_SECOND}
        file = write_grid(out.with_name(f"{out.name}.yaml"), {"seeds": [0, 1, 2]}, **changes)
        command = [sys.executable, "-m", "gancore.cli", "grid", "run", str(file), "--out", str(out), *options]
        return [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)]

    return started


def _cells(out: Path) -> Sequence[Path]:
    return sorted(path for path in (out / "cells").iterdir() if path.is_dir())


KINDS = {
    "ADA, labels, path length": Kind(_one(ADA)),
    "growth with fades": Kind(_one(FADE)),
    "two processes (gloo), one or both": Kind(_two),
    "grid with two workers, the parent or a cell": Kind(_grid("--workers", "2"), _cells),
}


def killed(kind: Kind, out: Path, draw: random.Random, longest: float) -> int:
    """Trains to the end, and returns how many times it was killed, after 0 to `longest` seconds.

    Each time it may train longer than the time before, since a loaded machine may not get to the next checkpoint.
    """
    kills = 0
    while True:
        processes = kind.start(out)
        until = time.monotonic() + draw.uniform(0, longest * (1 + kills / 4))
        while time.monotonic() < until and any(map(_runs, processes)):
            time.sleep(0.02)
        if not any(map(_runs, processes)):
            if all(_exit_code(process) == 0 for process in processes):
                return kills
            raise AssertionError(f"{out}: ended with {[_exit_code(process) for process in processes]}")
        kills += _kill(processes, draw)


def undisturbed(kind: Kind, out: Path) -> float:
    """Trains to the end, and returns the seconds that this took."""
    started = time.monotonic()
    processes = kind.start(out)
    while any(map(_runs, processes)):
        time.sleep(0.02)
    assert all(_exit_code(process) == 0 for process in processes)
    return time.monotonic() - started


def _kill(processes: Sequence[Process], draw: random.Random) -> int:
    """Kills one of the processes, or of their children, and then whatever waits for it; 1 if there was one."""
    pids = [process.pid for process in processes if process.pid is not None and _runs(process)]
    victims = [*pids, *(child for pid in pids for child in children(pid))] if len(processes) == 1 else pids
    if not victims:
        return 0
    victim = draw.choice(victims)
    with suppress(ProcessLookupError):
        os.kill(victim, signal.SIGKILL)
    if len(processes) > 1:
        _wait(processes, draw.choice([0.0, 20.0]))  # both at once, or the other one notices
    if victim in pids:
        left = [pid for pid in pids if pid != victim]
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    _wait(processes if victim in pids else [], 60)
    return 1


def children(parent: int) -> list[int]:
    """The processes that a process has started."""
    files = Path(f"/proc/{parent}/task").glob("*/children")
    with suppress(OSError):
        return [int(number) for file in files for number in file.read_text().split()]
    return []


def _wait(processes: Sequence[Process], seconds: float) -> None:
    until = time.monotonic() + seconds
    while any(map(_runs, processes)) and time.monotonic() < until:
        time.sleep(0.02)


def _runs(process: Process) -> bool:
    return process.poll() is None if isinstance(process, subprocess.Popen) else process.is_alive()


def _exit_code(process: Process) -> int | None:
    return process.returncode if isinstance(process, subprocess.Popen) else process.exitcode
