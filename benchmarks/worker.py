"""One variant in a process of its own: runs the phases it is asked for, and says how long each took.

    python -m benchmarks.worker VARIANT SUBJECT [PATH]

VARIANT is ours, textbook, limit or a peer; SUBJECT is JSON (configuration.py), PATH the checkout of a peer. The first
line on standard output has the intervals of the phases, or what kept the variant from being built; after that every
line read is the name of a phase, answered by wall seconds and CPU seconds, or by what went wrong, which is the end.
At the end comes the peak memory.
"""

import contextlib
import json
import resource
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from benchmarks.configuration import Subject
from benchmarks.iteration import INTERVALS, Phases
from benchmarks.limit import limit_phases
from benchmarks.ours import our_intervals, our_phases, our_trainer
from benchmarks.peers import PEERS
from benchmarks.textbook import textbook_iteration


def built(variant: str, subject: Subject, path: str | None) -> tuple[Phases, dict[str, int]]:
    """Phases and their intervals."""
    if variant == "ours":
        trainer = our_trainer(subject)
        return our_phases(trainer), our_intervals(trainer)
    if variant == "limit":
        return limit_phases(subject.resolution), {}
    if variant == "textbook":
        return textbook_iteration(subject).phases(), INTERVALS
    return PEERS[variant](Path(path or "."), subject.resolution).phases(), INTERVALS


def main() -> None:
    variant, subject, *path = sys.argv[1:]
    torch.manual_seed(0)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            phases, intervals = built(variant, Subject(**json.loads(subject)), path[0] if path else None)
    except Exception as error:  # a peer's code may raise anything
        say(failure(error))
        return
    say({"phases": list(phases), "intervals": intervals, "threads": torch.get_num_threads()})
    for line in sys.stdin:
        try:
            say(measured(phases[line.strip()]))
        except Exception as error:
            say(failure(error))
            return
    say({"peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024})


def measured(phase: Callable[[], object]) -> dict[str, float]:
    """Seconds on the wall and of the CPU; whatever the phase prints goes elsewhere."""
    with contextlib.redirect_stdout(sys.stderr):
        wall, cpu = time.perf_counter(), time.process_time()
        phase()
        return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


def failure(error: Exception) -> dict[str, str]:
    return {"error": f"{type(error).__name__}: {error}".splitlines()[0]}


def say(what: Any) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
