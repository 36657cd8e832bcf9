"""Variants taking turns: each is a child process (worker.py), asked for one phase after the other.

Whatever happens to the machine's speed meanwhile happens to all of them; none shares modules, allocator or cache
of another, and the peak memory of each is its own.
"""

import json
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from benchmarks.configuration import Subject

Clock = Literal["wall", "cpu"]


@dataclass
class Result:
    """Milliseconds of every run of each phase; `error` says why there are none."""

    name: str
    intervals: dict[str, int] = field(default_factory=dict)
    times: dict[str, list[float]] = field(default_factory=dict)
    peak_mb: float = 0.0
    threads: int = 0
    error: str | None = None


class Worker:
    """The child process of one variant."""

    def __init__(self, name: str, variant: str, subject: Subject, path: str | None = None) -> None:
        command = [sys.executable, "-m", "benchmarks.worker", variant, json.dumps(subject.to_dict())]
        self.process = subprocess.Popen(
            [*command, *([path] if path else [])], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        said = self.read()
        self.result = Result(name, said.get("intervals", {}), threads=said.get("threads", 0), error=said.get("error"))
        self.phases: list[str] = said.get("phases", [])

    def run(self, phase: str, clock: Clock) -> float:
        """Milliseconds of one run; 0 when it failed, which the result's `error` says."""
        assert self.process.stdin is not None
        self.process.stdin.write(phase + "\n")
        self.process.stdin.flush()
        said = self.read()
        self.result.error = said.get("error")
        return float(1000 * said.get(clock, 0.0))

    def read(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        return json.loads(line) if line else {"error": "the process ended"}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Ends the process, and takes its peak memory."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        if self.result.error is None:
            self.result.peak_mb = self.read()["peak_mb"]
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process.wait()


def take_turns(workers: list[Worker], rounds: int, clock: Clock) -> None:
    """Every phase of every variant once a round; the first round warms up."""
    phases = list(dict.fromkeys(phase for worker in workers for phase in worker.phases))
    for turn in range(rounds + 1):
        for phase in phases:
            for worker in workers:
                if phase in worker.phases and worker.result.error is None:
                    taken = worker.run(phase, clock)
                    worker.result.times.setdefault(phase, []).extend([taken] if turn else [])
