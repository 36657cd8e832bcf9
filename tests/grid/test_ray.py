"""The cells of a grid on a Ray cluster of two nodes on this machine, one of which is lost."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from support.grid_files import write_grid

from gancore.cli import main
from gancore.config.sections.grid import Resources
from gancore.grid import local
from gancore.grid.cluster import RayExecutor
from gancore.grid.folder import GridFolder
from gancore.grid.job import Job, _environment
from gancore.grid.local import LocalExecutor
from gancore.grid.state import Outcome
from gancore.training.settings import GPU_SHARE

LONG = {"training__kimg": 1.6, "training__checkpoint_kimg": 0.016, "training__sample_kimg": 1}


def test_without_ray_it_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    file = write_grid(tmp_path / "grid.yaml", {"seeds": [0]})
    assert main(["grid", "run", str(file), "--out", str(tmp_path / "out"), "--ray", "local"]) == 2
    assert "pip install gancore[ray]" in capsys.readouterr().err


class OneNode:
    """A cluster with 2 GPUs, on which each task runs at once."""

    tasks: ClassVar[list[Any]] = []

    def init(self, **_: Any) -> None:
        pass

    shutdown = init

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": 8, "GPU": 2}

    def remote(self, function: Any) -> Any:
        start = SimpleNamespace(remote=lambda job: self.tasks.append(job) or job)
        return SimpleNamespace(options=lambda **wanted: start)

    def wait(self, waiting: list[Any], **_: Any) -> tuple[list[Any], list[Any]]:
        return waiting[:1], waiting[1:]

    def get(self, job: Any) -> Outcome:
        return Outcome(0)


@pytest.mark.parametrize(("gpus", "share"), [(0, 1.0), (0.5, 0.5), (1, 1.0), (2, 1.0)])
def test_gpus_that_no_cell_requests_are_told_and_shares_are_of_memory(
    gpus: float, share: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", OneNode())
    monkeypatch.setattr(OneNode, "tasks", [])
    said: list[str] = []
    (tmp_path / "cells").mkdir()
    list(RayExecutor("local", Resources(gpus=gpus), said.append).outcomes([Job("a", str(tmp_path), 1)]))
    assert [job.gpu_share for job in OneNode.tasks] == [share]
    assert ["has 2 GPUs, but grid.resources.gpus is 0" in line for line in said] == [True] * (gpus == 0)


def test_workers_that_have_one_gpu_share_its_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five on two GPUs: three have a third of the first, two half of the second; and so it reaches the process."""
    monkeypatch.setattr(local, "run_job", lambda job: Outcome(0))
    executor = LocalExecutor(5, ["4", "7"])
    found = []
    for worker in range(5):
        executor._idle.put(worker)
        found.append(executor._run(Job("a", str(tmp_path), 1))[0])
        executor._idle.get()
    assert [(job.gpu, job.gpu_share) for job in found] == [
        ("4", 1 / 3),
        ("7", 0.5),
        ("4", 1 / 3),
        ("7", 0.5),
        ("4", 1 / 3),
    ]
    assert _environment(found[1])[GPU_SHARE] == "0.5"
    alone = replace(found[1], gpu_share=1.0)
    assert GPU_SHARE not in _environment(alone)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_cell_of_a_lost_node_goes_on_elsewhere(tmp_path: Path) -> None:
    cluster_utils = pytest.importorskip("ray.cluster_utils")
    os.environ["RAY_ENABLE_UV_RUN_RUNTIME_ENV"] = "0"
    cluster = cluster_utils.Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
    file = write_grid(tmp_path / "grid.yaml", {"seeds": [0, 1, 2]}, **LONG)
    folder = GridFolder(tmp_path / "out")
    log = (tmp_path / "said.txt").open("w")
    command = [sys.executable, "-m", "gancore.cli", "grid", "run", str(file), "--out", str(folder.path)]
    runner = subprocess.Popen([*command, "--ray", cluster.address], stdout=log, stderr=log)
    try:
        while not all(folder.run(f"seed={seed}").checkpoints() for seed in (0, 1)):
            assert runner.poll() is None, (tmp_path / "said.txt").read_text()
            time.sleep(0.1)
        assert not any(folder.stored(f"seed={seed}").state == "done" for seed in (0, 1))
        (raylet,) = nodes[0].all_processes["raylet"]
        os.kill(raylet.process.pid, signal.SIGKILL)
        raylet.process.wait()  # a worker takes a raylet that nobody waited for to be alive
        assert runner.wait() == 0, (tmp_path / "said.txt").read_text()
    finally:
        runner.kill()
        cluster.shutdown()
        log.close()
    states = [folder.state(one.name) for one in folder.combinations()]
    assert [state.state for state in states] == ["done"] * 3
    continued = [folder.log(state.name).read_text().count("continuing ") for state in states]
    assert sorted(continued) == [0, 0, 1]  # the lost node's cell, once, from its checkpoint
