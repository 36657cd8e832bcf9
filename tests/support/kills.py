"""SIGKILL at random moments: trainings of several kinds, each of which must end as if nothing had happened."""

import importlib.util
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from support.grid_files import write_grid
from support.killing import child, start
from support.outcomes import Row, are_equal
from support.ray_cluster import RayCluster
from support.tiny import QUICK

Process = ForkServerProcess | subprocess.Popen[bytes]

OFTEN = {"training__checkpoint_kimg": 0.016, "training__log_kimg": 0.008, "training__sample_kimg": 0.08}
ADA = {"augmentation": {"use": "ada", "interval": 1}}
STYLES = {
    "generator__mapping": {"layers": 1}, "training__kimg": 0.16,
    "regularizers": {"r1": {"gamma": 1, "interval": 4}, "path_length": {"interval": 2}, "style_mixing": {}},
    **ADA, **OFTEN,
}  # fmt: skip
FADE = {
    "generator__mapping": {"layers": 1}, "discriminator": "skip", "training__kimg": 0.24, **OFTEN,
    "training__growth": {"start": 4, "stable_kimg": 0.016, "fade_kimg": 0.08, "batch": {4: 16}},
}  # fmt: skip
SHARED = {**QUICK, **ADA, **OFTEN, "training__kimg": 0.32}
CELL = {**QUICK, **ADA, **OFTEN, "training__kimg": 0.48}
CRITIC = {**QUICK, **OFTEN, "training__kimg": 0.32, "training__d_steps": 2, "training__order": "d_first"}


@dataclass(frozen=True)
class Kind:
    """How to start a training into a folder, as processes that together are one; the folders of its runs; how many
    kills of it are wanted; how to kill one of its processes, which returns what was killed."""

    start: Callable[[Path], Sequence[Process]]
    kills: int
    runs: Callable[[Path], Sequence[Path]] = lambda out: [out]
    kill: Callable[[Sequence[Process], random.Random], str | None] = lambda processes, draw: _kill(processes, draw)


def pictures(folder: Path) -> dict[str, Any]:
    """A data section: 40 images of 8x8 in two classes, beside the runs of `folder`. They open in no time."""
    at = folder / "pictures"
    for i, pixels in enumerate(np.random.default_rng(0).integers(0, 256, (40, 8, 8, 3), dtype=np.uint8)):
        file = at / "ab"[i % 2] / f"{i}.png"
        if not file.is_file():
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(file)
    return {"use": "folder", "path": str(at), "resolution": 8, "mirror": True, "labels": True}


def _one(changes: dict[str, Any], **data: Any) -> Callable[[Path], Sequence[Process]]:
    def started(out: Path) -> Sequence[Process]:
        about = {**changes, "data": pictures(out.parent) | data, "data__resolution": 8}
        return [start(child, out, None, about, errors=out.with_name(f"{out.name}.txt"))]

    return started


def _two(out: Path) -> Sequence[Process]:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = str(found.getsockname()[1])
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": "2"}
    about = {**SHARED, "data": pictures(out.parent)}
    return [
        start(
            child, out, None, about, environment={**shared, "RANK": rank, "LOCAL_RANK": rank},
            errors=out.with_name(f"{out.name}-{rank}.txt"),
        )
        for rank in "01"
    ]  # fmt: skip


def _grid(*options: str) -> Callable[[Path], Sequence[Process]]:
    return lambda out: [grid_process(out, options)]


def grid_process(out: Path, options: Sequence[str]) -> subprocess.Popen[bytes]:
    """`gancore grid run` of two cells."""
    grid = {"seeds": [0, 1], "resources": {"retries": 10}}
    file = write_grid(out.with_name(f"{out.name}.yaml"), grid, **{**CELL, "data": pictures(out.parent)})
    command = [sys.executable, "-m", "gancore.cli", "grid", "run", str(file), "--out", str(out), *options]
    with out.with_name(f"{out.name}.txt").open("ab") as said:
        return subprocess.Popen(command, stdout=said, stderr=said)


def _on_ray(out: Path) -> Sequence[Process]:
    return [grid_process(out, ["--ray", RayCluster.shared().address])]


def _kill_on_ray(processes: Sequence[Process], draw: random.Random) -> str | None:
    """A raylet, with all that it has started, and in one of three cases the process of the grid."""
    if draw.random() < 1 / 3:
        return _kill(processes, draw, children=False)
    RayCluster.shared().lose_a_node(draw)
    return "raylet"


def _cells(out: Path) -> Sequence[Path]:
    return sorted(path for path in (out / "cells").iterdir() if path.is_dir())


KINDS = {
    "ADA, labels, path length": Kind(_one(STYLES), 50),
    "growth with fades": Kind(_one(FADE), 40),
    "two processes (gloo), one or both": Kind(_two, 40),
    "data on the fly, two critic steps": Kind(_one(CRITIC, decode="on_the_fly"), 30),
    "grid with two workers, the parent or a cell": Kind(_grid("--workers", "2"), 30, _cells),
    "Ray with two raylets, one of them or the grid": Kind(_on_ray, 20, _cells, _kill_on_ray),
}


def kills(folder: Path, seconds: float) -> Iterator[Row]:
    """As many kills of each kind as are wanted, if there is time for them."""
    end = time.monotonic() + seconds
    for number, (name, kind) in enumerate(KINDS.items()):
        if name.startswith("Ray") and importlib.util.find_spec("ray") is None:
            yield f"SIGKILL at a random moment: {name}", 0, "not run: needs the package ray"
            continue
        at = folder / str(number)
        at.mkdir(parents=True)
        until = time.monotonic() + 2 * (end - time.monotonic()) / (len(KINDS) - number)
        took = undisturbed(kind, at / "straight")
        draw, found, runs, lost = random.Random(number), Counter[str](), 0, Counter[str]()
        while found.total() < kind.kills and time.monotonic() < until:
            out = at / f"run{runs}"
            runs += 1
            try:
                found += killed(kind, out, draw, 0.6 * took)
                if not all(map(are_equal, kind.runs(at / "straight"), kind.runs(out))):
                    lost["LOST"] += 1
            except AssertionError as error:
                lost[f"LOST: {error}"] += 1
            shutil.rmtree(out)
        victims = ", ".join(f"{count} of a {victim}" for victim, count in found.most_common())
        bad = "".join(f", {count} {what}" for what, count in lost.items())
        outcome = f"{runs - lost.total()} of {runs} runs, each killed until it was done, with equal bits{bad}"
        yield f"SIGKILL at a random moment: {name} ({victims})", found.total(), outcome


def killed(kind: Kind, out: Path, draw: random.Random, longest: float) -> Counter[str]:
    """Trains to the end, and returns what was killed, how many times, after 0 to `longest` seconds.

    Each time it may train longer than the time before, since a loaded machine may not get to the next checkpoint.
    """
    kills: Counter[str] = Counter()
    while True:
        processes, before, going_on = kind.start(out), kills.total(), True
        while going_on:
            until = time.monotonic() + draw.uniform(0, longest * (1 + kills.total() / 4))
            while time.monotonic() < until and any(map(_runs, processes)):
                time.sleep(0.02)
            victim = kind.kill(processes, draw) if any(map(_runs, processes)) else None
            if victim:
                kills[victim] += 1
            going_on = victim in ("cell", "raylet")  # the grid goes on
        codes = [_exit_code(process) for process in processes]
        if not any(codes):
            return kills
        assert kills.total() > before, f"{out}: ended with {codes}, although nothing was killed"


def undisturbed(kind: Kind, out: Path) -> float:
    """Trains to the end, and returns the seconds that this took."""
    started = time.monotonic()
    processes = kind.start(out)
    _wait(processes, float("inf"))
    codes = [_exit_code(process) for process in processes]
    assert not any(codes), f"{out}: ended with {codes}"
    return time.monotonic() - started


def _kill(processes: Sequence[Process], draw: random.Random, children: bool = True) -> str | None:
    """Kills one of the processes, or of their children, and then whatever waits for it; what it was, None if nothing
    was left to kill."""
    pids = [process.pid for process in processes if process.pid is not None and _runs(process)]
    below = [child for pid in pids for child in children_of(pid)] if children and len(processes) == 1 else []
    if not pids:
        return None
    victim = draw.choice([*pids, *below])
    with suppress(ProcessLookupError):
        os.kill(victim, signal.SIGKILL)
    if victim in below:
        return "cell"
    if len(processes) > 1:
        _wait(processes, draw.choice([0.0, 20.0]))  # both at once, or the other one notices
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    _wait(processes, 60)
    return "process"


def children_of(parent: int) -> list[int]:
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
