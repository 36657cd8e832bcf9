"""Runs one cell in a separate process and watches it: starts it, stops it early, asks it to save, records its end."""

import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gancore.artifacts.lock import is_locked
from gancore.config.sections.grid import StopEarly
from gancore.grid.folder import GridFolder
from gancore.grid.state import Outcome, begun, settled
from gancore.grid.stop_early import hopeless
from gancore.training.settings import GPU_SHARE

MODULE = ["-m", "gancore.cli.grid_cell"]
"""The process of a cell."""

POLL = 0.2
"""Seconds between checks of a process."""

AT_ONCE = "at once"
"""The contents of the stop file if cells should end without saving."""

OWN_SESSION: dict[str, Any] = (
    {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
    if os.name == "nt"
    else {"start_new_session": True}
)
"""Keeps a terminal's Ctrl-C from the process; this one asks it to stop."""

TAIL = 4000
"""Characters of stderr kept with a failure."""


@dataclass(frozen=True)
class Job:
    """A request to train a cell, for a worker that may be on another machine; the rest is in the grid's folder `grid`.

    threads: of the cell's process; gpu: its CUDA_VISIBLE_DEVICES, None to leave that alone.
    gpu_share: the part of that GPU's memory which the cell may take.
    rules: those of `stop_early`.
    trusted: digests of the local plugins' files, which were trusted where the grid was started.
    """

    name: str
    grid: str
    threads: int
    gpu: str | None = None
    gpu_share: float = 1.0
    rules: tuple[StopEarly, ...] = ()
    trusted: tuple[str, ...] = ()

    @property
    def folder(self) -> GridFolder:
        return GridFolder(Path(self.grid))


def run_job(job: Job) -> Outcome:
    """Trains a cell to its end, or until the stop file appears or a rule holds. An interruption here is passed on."""
    folder = job.folder
    run, lock, log = folder.run(job.name).path, folder.lock(job.name), folder.log(job.name)
    if folder.stop.exists():
        return Outcome(None, stopped=True)
    if is_locked(run / ".lock") and not is_locked(lock):
        return Outcome(None, f"{run}: another process is training in this folder")
    begin(job)
    started = time.monotonic()
    with log.open("ab") as file:
        before = file.tell()
        process = subprocess.Popen(
            [sys.executable, *MODULE, str(folder.experiment(job.name)), str(run), str(lock), *job.trusted],
            stdin=subprocess.PIPE,  # closed to make it save and stop, or when this process dies: gancore.cli.grid_cell
            stdout=subprocess.DEVNULL,
            stderr=file,
            env={**os.environ, **_environment(job)},
            **OWN_SESSION,
        )
        watch = _Watch(job, process)
        try:
            exit_code = watch.until_end()
        finally:
            watch.end()
    return Outcome(exit_code, _tail(log, before), watch.stopped, watch.rule, watch.verdict, time.monotonic() - started)


def begin(job: Job) -> None:
    """Records that an attempt begins, before its process starts."""
    folder = job.folder
    state = settled(folder.known(job.name), folder.last_sign(job.name))
    folder.write(begun(state, time.time(), job.threads, job.gpu, socket.gethostname()))


class _Watch:
    """Watches a running process; asks it once to stop."""

    def __init__(self, job: Job, process: subprocess.Popen[bytes]) -> None:
        self.job, self.process = job, process
        self.stopped = False
        self.rule: StopEarly | None = None
        self.verdict: str | None = None
        self._seen: tuple[int, int] | None = None
        self._stop, self._metrics = job.folder.stop, job.folder.run(job.name).metrics

    def until_end(self) -> int:
        while True:
            try:
                return self.process.wait(POLL)
            except subprocess.TimeoutExpired:
                if self.stopped and _holds(self._stop, AT_ONCE):
                    self.process.kill()
                elif not self.stopped and self.rule is None and self._should_end():
                    self._ask_to_stop()

    def end(self) -> None:
        """Leaves no process behind after any error: asks it to save, and waits for it."""
        self._ask_to_stop()
        self.process.wait()

    def _ask_to_stop(self) -> None:
        if self.process.stdin:
            self.process.stdin.close()

    def _should_end(self) -> bool:
        self.stopped = self._stop.exists()
        if not self.stopped and self.job.rules and self._has_new_scores():
            self.rule, self.verdict = hopeless(self._metrics, self.job.rules) or (None, None)
        return self.stopped or self.rule is not None

    def _has_new_scores(self) -> bool:
        """Whether metrics.jsonl has changed since the last call."""
        try:
            about = self._metrics.stat()
        except OSError:
            return False
        before, self._seen = self._seen, (about.st_size, about.st_mtime_ns)
        return before != self._seen


def _holds(path: Path, text: str) -> bool:
    try:
        return path.read_text(encoding="utf-8") == text
    except FileNotFoundError:
        return False


def _environment(job: Job) -> dict[str, str]:
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    gpu = {} if job.gpu is None else {"CUDA_VISIBLE_DEVICES": job.gpu}
    share = {GPU_SHARE: repr(job.gpu_share)} if job.gpu_share < 1 else {}
    return dict.fromkeys(names, str(job.threads)) | gpu | share


def _tail(log: Path, start: int) -> str:
    with log.open("rb") as file:
        file.seek(start)
        return file.read().decode("utf-8", "replace")[-TAIL:].strip()
