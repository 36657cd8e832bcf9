"""Real processes, really killed: a grid ends with the cells it would have had without."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.grid_files import write_grid

from gancore.artifacts import log
from gancore.artifacts.lock import is_locked
from gancore.config.sections.grid import StopEarly
from gancore.grid.folder import GridFolder
from gancore.grid.job import Job, run_job
from gancore.grid.state import settled

LOSS = '''"""A loss whose generator side is not finite from the third call on."""

import itertools

from gancore_plugins.losses.non_saturating import NonSaturating


class Diverging(NonSaturating):
    calls = itertools.count()

    def g(self, fake, real=None):
        return super().g(fake, real) * (float("nan") if next(self.calls) > 2 else 1.0)
'''

DATA = '''"""A dataset that says nothing wrong until its images are read in a process of a grid."""

import os

from gancore.errors import DataError
from gancore_plugins.datasets.emoji import Emoji


class Failing(Emoji):
    def items(self):
        if "GRID_TEST_PARENT" in os.environ and os.environ["GRID_TEST_PARENT"] != str(os.getpid()):
            raise DataError("the disk with the images is gone")
        return super().items()

    def sources(self):
        return None
'''


def start(file: Path, out: Path, *options: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "gancore.cli", "grid", "run", str(file), "--out", str(out), *options]
    code = "import os, runpy, sys; os.environ['GRID_TEST_PARENT'] = str(os.getpid()); sys.argv = sys.argv[1:]; " \
           "runpy.run_module('gancore.cli', run_name='__main__')"  # fmt: skip
    return subprocess.Popen([sys.executable, "-c", code, *command[2:]], stderr=subprocess.DEVNULL, stdout=-3)


def wait_until(condition: Callable[[], Any], process: subprocess.Popen[bytes] | None = None) -> None:
    while not condition():
        assert process is None or process.poll() is None, "the grid ended before that"
        time.sleep(0.05)


def child_of(parent: int, name: str) -> int | None:
    """The process of a cell, found by its parent and its command line."""
    for entry in Path(f"/proc/{parent}/task").glob("*/children"):
        for child in entry.read_text().split():
            if f"/{name}.yaml" in Path(f"/proc/{child}/cmdline").read_text():
                return int(child)
    return None


def steps(folder: GridFolder, name: str) -> list[int]:
    return [json.loads(line)["step"] for line in folder.run(name).log.read_text().splitlines()]


EVERY = {
    "training__kimg": 0.16,
    "training__checkpoint_kimg": 0.016,
    "training__log_kimg": 0.008,
    "training__sample_kimg": 1,
}


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds processes in /proc")
def test_the_cell_of_a_killed_parent_saves_and_stops(tmp_path: Path) -> None:
    file = write_grid(tmp_path / "grid.yaml", {"seeds": [0]}, **{**EVERY, "training__kimg": 100})
    folder = GridFolder(tmp_path / "out")
    parent = start(file, folder.path)
    wait_until(lambda: log.read(folder.run("seed=0")).records, parent)
    assert folder.state("seed=0").state == "running"
    parent.kill()
    parent.wait()
    wait_until(lambda: not is_locked(folder.lock("seed=0")))
    run = folder.run("seed=0")
    saved = float(run.checkpoints()[0].stem.removeprefix("checkpoint-"))
    assert saved >= steps(folder, "seed=0")[-1] * 8 / 1000  # it saved where it stood, not where it last had to
    state = folder.state("seed=0")
    assert (state.state, state.attempts) == ("interrupted", 1)  # nobody has seen it end; that it began is known
    assert state.started is not None
    over = settled(state, folder.last_sign("seed=0"))
    assert (over.seconds > 0, over.started) == (True, None)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds processes in /proc")
def test_eight_cells_one_diverging_one_misconfigured_one_killed_and_the_parent_killed(tmp_path: Path) -> None:
    (tmp_path / "diverging.py").write_text(LOSS)
    (tmp_path / "failing.py").write_text(DATA)
    plugins = {"loss": {"diverging": "./diverging.py:Diverging"}, "dataset": {"failing": "./failing.py:Failing"}}
    arms = {
        "data.use": ["emoji", "failing"],
        "loss.use": ["non_saturating", "diverging"],
        "generator.use": ["original", "skip", "residual"],
    }
    alone = [
        {"data.use": "failing", "loss.use": "diverging"},
        {"data.use": "failing", "generator.use": ["original", "residual"]},
        {"loss.use": "diverging", "generator.use": ["original", "residual"]},
    ]
    grid = {"axes": {**arms, "discriminator.use": ["original", "skip"]}, "exclude": [
        *alone,
        {"data.use": "failing", "discriminator.use": "original"},
        {"loss.use": "diverging", "discriminator.use": "original"},
    ]}  # fmt: skip
    file = write_grid(tmp_path / "experiment.yaml", grid, plugins=plugins, **EVERY)
    folder = GridFolder(tmp_path / "out")
    parent = start(file, folder.path, "--workers", "2")
    wait_until(folder.file.is_file, parent)
    names = [one.name for one in folder.combinations()]
    assert len(names) == 8
    killed = names[0]
    wait_until(lambda: folder.run(killed).checkpoints(), parent)
    child = child_of(parent.pid, killed)
    assert child is not None
    os.kill(child, signal.SIGKILL)
    wait_until(lambda: (state := folder.stored(killed)) and state.state == "killed", parent)
    before = {path: path.stat().st_mtime_ns for path in folder.path.rglob("checkpoint-*.safetensors")}
    reached = {name: max(steps(folder, name), default=0) for name in names if folder.run(name).log.is_file()}
    wait_until(lambda: folder.run(names[2]).checkpoints(), parent)
    done = {name: (folder.run(name).model.stat().st_mtime_ns, steps(folder, name))
            for name in names if (state := folder.stored(name)) and state.state == "done"}  # fmt: skip
    parent.send_signal(signal.SIGKILL)
    parent.wait()

    assert start(file, folder.path, "--workers", "2").wait() == 1
    states = {name: folder.state(name) for name in names}
    failed = {name: state for name, state in states.items() if state.state == "failed"}
    assert sum(state.state == "done" for state in states.values()) == 6
    (diverged,) = (state for name, state in failed.items() if "loss=diverging" in name)
    (misconfigured,) = (state for name, state in failed.items() if "data=failing" in name)
    assert "not finite at step" in str(diverged.reason)
    assert "the disk with the images is gone" in str(misconfigured.reason)
    for name, state in states.items():
        if state.state == "done":
            assert steps(folder, name) == list(range(1, 21))  # every step once, in order: none made again
    for name, (model, logged) in done.items():
        assert (folder.run(name).model.stat().st_mtime_ns, steps(folder, name)) == (model, logged)
    for path, written in before.items():
        assert not path.exists() or path.stat().st_mtime_ns == written
    assert "continuing " in folder.log(killed).read_text()
    assert reached[killed] >= 2


def test_a_hopeless_cell_is_asked_to_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that writes a bad score and then waits to be asked to stop."""
    code = (
        "import json, pathlib, sys\n"
        "run = pathlib.Path(sys.argv[2])\n"
        "run.mkdir()\n"
        "score = {'name': 'fid', 'value': 300.0}\n"
        "(run / 'metrics.jsonl').write_text(json.dumps({'step': 1, 'kimg': 2, 'scores': [score]}) + '\\n')\n"
        "sys.stderr.write('waiting\\n')\n"
        "sys.stdin.read()\n"
        "sys.exit(3)\n"
    )
    (tmp_path / "waits.py").write_text(code)
    monkeypatch.setattr("gancore.grid.job.MODULE", [str(tmp_path / "waits.py")])
    (tmp_path / "cells").mkdir()
    rules = (
        StopEarly(metric="fid", after_kimg=3, worse_than=10),
        StopEarly(metric="fid", after_kimg=1, worse_than=200),
    )
    outcome = run_job(Job("cell", str(tmp_path), threads=1, rules=rules))
    assert (outcome.exit_code, outcome.rule, outcome.said) == (3, rules[1], "waiting")
    assert outcome.verdict == "stopped early: fid 300 at 2 kimg is worse than 200 (after 1 kimg)"


def test_a_folder_that_somebody_trains_in_is_left_alone(tmp_path: Path) -> None:
    with GridFolder(tmp_path).run("cell").locked():
        outcome = run_job(Job("cell", str(tmp_path), threads=1))
    assert outcome.exit_code is None
    assert "another process is training in this folder" in outcome.said
