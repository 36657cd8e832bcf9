"""One cell in a process of its own, watched from here: started, stopped early, asked to save, and accounted for."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gancore.artifacts import RunFolder
from gancore.artifacts.lock import is_locked
from gancore.grid.attempts import begin
from gancore.grid.folder import GridFolder
from gancore.grid.scores import hopeless

MODULE = ["-m", "gancore.cli.grid_cell"]
"""The process of a cell."""

POLL = 0.2
"""Seconds from one look at a process to the next."""

AT_ONCE = "at once"
"""What the stop file holds when cells shall not even save."""

OWN_SESSION: dict[str, Any] = (
    {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
    if os.name == "nt"
    else {"start_new_session": True}
)
"""Keeps a terminal's Ctrl-C from the process, which is asked to stop by this one."""

TAIL = 4000
"""Characters of a process's words that are kept with a failure."""


@dataclass(frozen=True)
class Job:
    """What a worker must know of a cell; plain data, so that it can travel to another machine.

    Paths are those of the cell in its folder `grid`; `stop` is a file that is there when all cells shall save and stop.
    threads: of the cell's process; gpu: its CUDA_VISIBLE_DEVICES, None to leave that alone.
    rules: those of `stop_early`, as plain data.
    trusted: digests of the local plugins' files, which were trusted where the grid was started.
    """

    name: str
    grid: str
    experiment: str
    run: str
    lock: str
    log: str
    stop: str
    threads: int
    gpu: str | None = None
    rules: tuple[Mapping[str, Any], ...] = ()
    trusted: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """How a cell's process ended.

    exit_code: of the process, negative for a signal; None when none was started or it was lost with its machine.
    stopped: it was asked to save and stop. rule: the rule that made it hopeless, `verdict` in words.
    said: the end of what it wrote to stderr.
    """

    exit_code: int | None
    said: str = ""
    stopped: bool = False
    rule: Mapping[str, Any] | None = None
    verdict: str | None = None
    seconds: float = 0

    @property
    def not_started(self) -> bool:
        """Whether there was no process, because all were asked to stop before its turn."""
        return self.exit_code is None and self.stopped


def run_job(job: Job) -> Outcome:
    """Trains a cell to its end, or until the stop file appears or a rule holds. An interruption here passes on."""
    if Path(job.stop).exists():
        return Outcome(None, stopped=True)
    if is_locked(Path(job.run, ".lock")) and not is_locked(Path(job.lock)):
        return Outcome(None, f"{job.run}: another process is training in this folder")
    begin(GridFolder(Path(job.grid)), job.name, job.threads, job.gpu)
    started = time.monotonic()
    with Path(job.log).open("ab") as log:
        before = log.tell()
        process = subprocess.Popen(
            [sys.executable, *MODULE, job.experiment, job.run, job.lock, *job.trusted],
            stdin=subprocess.PIPE,  # closed to make it save and stop, or when this process dies: gancore.cli.grid_cell
            stdout=subprocess.DEVNULL,
            stderr=log,
            env={**os.environ, **_environment(job)},
            **OWN_SESSION,
        )
        watch = _Watch(job, process)
        try:
            exit_code = watch.until_end()
        finally:
            watch.end()
    said = _tail(Path(job.log), before)
    return Outcome(exit_code, said, watch.stopped, watch.rule, watch.verdict, time.monotonic() - started)


class _Watch:
    """Looks after a running process; asks it once to stop."""

    def __init__(self, job: Job, process: subprocess.Popen[bytes]) -> None:
        self.job, self.process = job, process
        self.stopped = False
        self.rule: Mapping[str, Any] | None = None
        self.verdict: str | None = None
        self._metrics = RunFolder(Path(job.run)).metrics

    def until_end(self) -> int:
        while True:
            try:
                return self.process.wait(POLL)
            except subprocess.TimeoutExpired:
                if self.stopped and _holds(Path(self.job.stop), AT_ONCE):
                    self.process.kill()
                elif not self.stopped and self.rule is None and self._should_end():
                    self._ask_to_stop()

    def end(self) -> None:
        """Whatever happens here, the process is not left behind: it is asked to save, and waited for."""
        self._ask_to_stop()
        self.process.wait()

    def _ask_to_stop(self) -> None:
        if self.process.stdin:
            self.process.stdin.close()

    def _should_end(self) -> bool:
        self.stopped = Path(self.job.stop).exists()
        if not self.stopped and self.job.rules and (found := hopeless(self._metrics, self.job.rules)):
            self.rule, self.verdict = found
        return self.stopped or self.rule is not None


def _holds(path: Path, words: str) -> bool:
    try:
        return path.read_text(encoding="utf-8") == words
    except FileNotFoundError:
        return False


def _environment(job: Job) -> dict[str, str]:
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    gpu = {} if job.gpu is None else {"CUDA_VISIBLE_DEVICES": job.gpu}
    return dict.fromkeys(names, str(job.threads)) | gpu


def _tail(log: Path, start: int) -> str:
    with log.open("rb") as file:
        file.seek(start)
        return file.read().decode("utf-8", "replace")[-TAIL:].strip()
