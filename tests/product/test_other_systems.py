"""Commands run without the modules and functions that Windows lacks, in their child processes too."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.grid_files import SHORT, write_grid
from support.tiny import tiny_mapping

from gancore.config.yaml.scalars import dump

WITHOUT = """
import os, signal, sys

ABSENT = {"fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog", "spwd", "nis", "crypt"}


class Refuses:
    def find_spec(self, name, path=None, target=None):
        if name in ABSENT:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


for name in ABSENT & sys.modules.keys():
    del sys.modules[name]
sys.meta_path.insert(0, Refuses())
for name in ("fork", "forkpty", "geteuid", "getgid", "getegid", "getpgid", "setsid", "getloadavg",
             "sched_getaffinity", "sched_setaffinity", "mkfifo", "chown", "lchown", "fchown", "killpg"):
    if hasattr(os, name):
        delattr(os, name)
for name in ("SIGHUP", "SIGUSR1", "SIGUSR2", "SIGXCPU", "SIGQUIT", "SIGPIPE", "SIGALRM", "pause", "alarm"):
    if hasattr(signal, name):
        delattr(signal, name)
"""


CHECK_AND_TRAIN = """
import sys
from gancore.cli import main
from gancore.cli.grid_cell import main as cell
experiment, out = sys.argv[1:]
sys.exit(main(["validate", experiment]) or cell(experiment, out, out + ".lock"))
"""


@pytest.fixture
def python(tmp_path: Path):
    """Python where these modules are missing; returns its exit code and what it wrote to stderr."""
    (tmp_path / "sitecustomize.py").write_text(WITHOUT)

    def run(*arguments: str | Path) -> tuple[int, str]:
        environment = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONWARNINGS": "ignore", "USERNAME": "somebody"}
        with subprocess.Popen(
            [sys.executable, *map(str, arguments)],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment,
        ) as process:  # fmt: skip
            assert process.stderr is not None
            said = process.stderr.read()  # stdin stays open: a cell stops when it is closed
        return process.returncode, said

    return run


def test_an_experiment_is_checked_and_trained(python, tmp_path: Path) -> None:
    file = tmp_path / "experiment.yaml"
    file.write_text(dump(tiny_mapping(**SHORT)))
    code, said = python("-c", CHECK_AND_TRAIN, file, tmp_path / "run")
    assert code == 0, said
    assert "Traceback" not in said
    assert (tmp_path / "run" / "model.safetensors").is_file()


@pytest.mark.slow
def test_a_grid_is_trained(python, tmp_path: Path) -> None:
    file = write_grid(tmp_path / "grid.yaml", {"seeds": [0]})
    code, said = python("-m", "gancore.cli", "grid", "run", file, "--out", tmp_path / "out", "--workers", "1")
    assert code == 0, said
    assert "Traceback" not in said + (tmp_path / "out" / "cells" / "seed=0.log").read_text()


def test_the_modules_are_missing(python) -> None:
    """The tests above would prove nothing otherwise."""
    assert "No module named 'fcntl'" in python("-c", "import fcntl")[1]
    assert "No module named 'resource'" in python("-c", "import resource")[1]
