"""Runs jobs as tasks of a Ray cluster. The grid folder must be shared by its machines, under the same path.

A task is the same `run_job` as here. If its machine is lost, Ray starts it elsewhere; it waits for the cell's lock,
and continues from the last checkpoint. If this process is lost, Ray ends the tasks, and the cells save and stop.
"""

import importlib
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gancore.config.sections.grid import Resources
from gancore.errors import GancoreError
from gancore.grid.job import Job, run_job
from gancore.grid.state import Outcome
from gancore.messages import tell

LOCAL = "local"
"""The address of a temporary cluster on this machine alone, while the grid runs."""


@dataclass
class RayExecutor:
    """Each job requests `resources`; the cluster decides how many run at a time."""

    address: str
    resources: Resources
    say: Callable[[str], None] = tell

    @property
    def threads(self) -> int:
        return max(int(self.resources.cpus), 1)

    def outcomes(self, jobs: Sequence[Job]) -> Generator[tuple[Job, Outcome] | None]:
        """Jobs with their outcomes as they end; None every half second. Raises GancoreError without a cluster."""
        ray = self._connected()
        try:
            if warning := self._unused_gpus(ray):
                self.say(warning)
            task, share = ray.remote(run_job).options(**self._options()), self.resources.gpus or 1.0
            pending = {task.remote(replace(job, gpu_share=min(share, 1.0))): job for job in jobs}
            while pending:
                ended, _ = ray.wait(list(pending), num_returns=1, timeout=0.5)
                yield from ((pending.pop(ref), self._result(ray, ref)) for ref in ended)
                if not ended:
                    yield None
        finally:
            if jobs:
                jobs[0].folder.stop.touch()
            ray.shutdown()

    def _connected(self) -> Any:
        try:
            ray = importlib.import_module("ray")  # an optional package
        except ImportError:
            raise GancoreError("--ray needs the package ray; install it with `pip install gancore[ray]`") from None
        try:
            ray.init(address=None if self.address == LOCAL else self.address, log_to_driver=False)
        except Exception as error:  # any error of Ray means that there is no cluster
            raise GancoreError(f"--ray {self.address}: no cluster is available there: {error}") from error
        return ray

    def _unused_gpus(self, ray: Any) -> str:
        """A warning if the cluster has GPUs and cells request none: Ray then hides them."""
        there = ray.cluster_resources().get("GPU", 0)
        if not there or self.resources.gpus:
            return ""
        return (
            f"warning: the cluster has {there:g} GPUs, but grid.resources.gpus is 0, so cells see none and train on "
            "the CPU; `grid.resources.gpus: 1` assigns one to each, 0.5 half of one"
        )

    def _options(self) -> dict[str, Any]:
        wanted = self.resources
        memory = {} if wanted.memory_gb is None else {"memory": int(wanted.memory_gb * 10**9)}
        return {"num_cpus": wanted.cpus, "num_gpus": wanted.gpus, "max_retries": wanted.retries} | memory

    def _result(self, ray: Any, ref: Any) -> Outcome:
        try:
            return ray.get(ref)
        except ray.exceptions.RayError as error:
            return Outcome(None, f"lost by Ray: {type(error).__name__}: {error}")
