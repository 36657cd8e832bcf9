"""The cells of a grid on a Ray cluster of two nodes on this machine, one of which is lost."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.grid_files import write_grid

from gancore.cli import main
from gancore.grid.folder import GridFolder

LONG = {"training__kimg": 1.6, "training__checkpoint_kimg": 0.016, "training__sample_kimg": 1}


def test_without_ray_it_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    file = write_grid(tmp_path / "grid.yaml", {"seeds": [0]})
    assert main(["grid", "run", str(file), "--out", str(tmp_path / "out"), "--ray", "local"]) == 2
    assert "pip install gancore[ray]" in capsys.readouterr().err


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
