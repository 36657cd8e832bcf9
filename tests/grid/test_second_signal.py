"""A second Ctrl-C ends all cells at once: none is started, none goes on when the command has ended."""

import os
import signal
from pathlib import Path

import pytest
from support.grid_files import load_grid

from gancore.errors import Interrupted
from gancore.grid import job
from gancore.grid.folder import GridFolder
from gancore.grid.local import LocalExecutor
from gancore.grid.run import Listener, run_grid

STUBBORN = """
import os, pathlib, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path(sys.argv[2] + ".pid").write_text(str(os.getpid()))
time.sleep(60)
pathlib.Path(sys.argv[2] + ".survived").touch()
"""


def test_cells_that_do_not_listen_are_killed_and_no_other_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "MODULE", ["-c", STUBBORN])
    grid = {"axes": {"generator.use": ["skip", "original", "residual"]}}
    pids = tmp_path / "out" / "cells"

    def interrupt(folder: GridFolder) -> None:
        if list(pids.glob("*.pid")):
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Interrupted, match="ended at once"):
        run_grid(
            load_grid(tmp_path / "grid.yaml", grid),
            tmp_path / "out",
            LocalExecutor(1),
            listener=Listener(lambda line: None, interrupt),
        )
    assert list(pids.glob("*.survived")) == []
    (pid,) = (int(file.read_text()) for file in pids.glob("*.pid"))
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert not (tmp_path / "out" / ".stop").exists()
