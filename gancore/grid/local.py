"""Runs jobs on this machine: a few at a time, each in a process with its share of the cores, or its GPU."""

import os
from collections.abc import Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from queue import SimpleQueue

from gancore.config import Experiment
from gancore.grid.job import Job, run_job
from gancore.grid.state import Outcome


@dataclass
class LocalExecutor:
    """`workers` at a time. Worker i has GPU i modulo the number of GPUs; with none, the cores are shared out.

    Workers that have the same GPU share its memory equally.
    """

    workers: int
    gpus: Sequence[str] = ()
    _idle: SimpleQueue[int] = field(default_factory=SimpleQueue, init=False, repr=False)

    @property
    def threads(self) -> int:
        """The share of a worker in this process's cores."""
        return max(available_cores() // self.workers, 1)

    def outcomes(self, jobs: Sequence[Job]) -> Generator[tuple[Job, Outcome] | None]:
        """Jobs with their outcomes as they end; None every half second, so that the caller can act.

        If the caller closes it, or is interrupted, it stops running jobs by their stop file and waits for them.
        """
        for worker in range(self.workers):
            self._idle.put(worker)
        with ThreadPoolExecutor(self.workers) as pool:
            pending = {pool.submit(self._run, job) for job in jobs}
            try:
                while pending:
                    ended, pending = wait(pending, timeout=0.5, return_when=FIRST_COMPLETED)
                    yield from map(Future.result, ended)
                    if not ended:
                        yield None
            finally:
                if pending and jobs:
                    jobs[0].folder.stop.touch()

    def _run(self, job: Job) -> tuple[Job, Outcome]:
        worker = self._idle.get()
        try:
            if self.gpus:
                own = worker % len(self.gpus)
                job = replace(job, gpu=self.gpus[own], gpu_share=1 / len(range(own, self.workers, len(self.gpus))))
            return job, run_job(job)
        finally:
            self._idle.put(worker)


def here(experiment: Experiment, workers: int | None) -> LocalExecutor:
    """The workers of this machine; None: one for each GPU that the experiment may use, or one."""
    gpus = [] if experiment.training.device == "cpu" else available_gpus()
    return LocalExecutor(workers or max(len(gpus), 1), gpus)


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def available_gpus() -> list[str]:
    """Values for CUDA_VISIBLE_DEVICES, one GPU each; empty without CUDA."""
    import torch

    visible = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return visible[:count] if visible else [str(index) for index in range(count)]
