"""What the measurements share: command lines, the machine in words, clocks, medians with their spread, tables."""

import argparse
import functools
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from gancore.errors import GancoreError


def command(main: Callable[[], None]) -> Callable[[], None]:
    """A main() that says what is wrong with what was asked for, without a traceback, and ends with the error's code."""

    @functools.wraps(main)
    def told() -> None:
        try:
            main()
        except GancoreError as error:
            print(error, file=sys.stderr)
            sys.exit(error.exit_code)

    return told


def positive(text: str) -> int:
    """A whole number from 1 on, for an option of a command line."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return int(text)


def parser(description: str, rounds: int) -> argparse.ArgumentParser:
    """A command line with what every measurement takes."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--rounds", type=positive, default=rounds, help=f"measurements of each thing (default {rounds})")
    made.add_argument(
        "--clock", choices=("wall", "cpu"), default="wall", help="cpu: of all threads, where others work as well"
    )
    made.add_argument("--json", action="store_true", help="for another program")
    return made


def machine() -> dict[str, Any]:
    """What a number must be read with."""
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def now(clock: str) -> float:
    """Seconds on the wall, or of the CPU in this process and in children that have ended."""
    return time.perf_counter() if clock == "wall" else time.process_time() + sum(os.times()[2:4])


def seconds(work: Callable[[], object], clock: str) -> float:
    start = now(clock)
    work()
    return now(clock) - start


def in_turns(works: Mapping[str, Callable[[], object]], rounds: int, clock: str) -> dict[str, list[float]]:
    """Seconds of each, one round after another, so that a change of the machine's speed meets all."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            times[name].append(seconds(work, clock))
    return times


def child(*command: str, **environment: str) -> None:
    """Runs Python with arguments. Raises GancoreError with what it said when it fails."""
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, env=os.environ | environment)
    if done.returncode:
        raise GancoreError(f"python {' '.join(command)}: {done.stderr.strip()}")


def summary(values: Sequence[float]) -> dict[str, float]:
    """Median, and half the distance of the quartiles (0 for a single value)."""
    if len(values) < 2:
        return {"median": values[0], "spread": 0.0}
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return {"median": middle, "spread": (high - low) / 2}


def table(rows: Sequence[Sequence[str]]) -> str:
    """The first row is the head; names to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for name, *cells in rows:
        padded = (cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))
        lines.append("  ".join([name.ljust(widths[0]), *padded]))
    return "\n".join(lines)


def show(result: Mapping[str, Any], text: str, as_json: bool) -> None:
    """The result with the machine, as JSON or as text."""
    about = machine()
    if as_json:
        print(json.dumps({"machine": about, **result}, indent=2))
        return
    print(f"{about['cpu']}, {about['cores']} cores, {about['threads']} threads, torch {about['torch']}")
    print(text)
