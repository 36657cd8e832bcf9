"""Attempts at a cell: written down when they begin, so that one whose end nobody saw is not forgotten."""

import socket
import time
from pathlib import Path

from gancore.grid.folder import CellState, GridFolder


def begin(folder: GridFolder, name: str, threads: int, gpu: str | None) -> None:
    """Counts an attempt in the cell's file; called before its process is started."""
    state = folder.known(name)
    settle(folder, state)
    state.attempts += 1
    state.started = time.time()
    state.threads, state.gpu, state.host = threads, gpu, socket.gethostname()
    folder.write(state)


def end(state: CellState, seconds: float) -> None:
    """Accounts for an attempt that was seen to end."""
    state.seconds += seconds
    state.started = None


def settle(folder: GridFolder, state: CellState) -> None:
    """Accounts for an attempt whose end nobody saw: it lasted until the last thing that it wrote."""
    if state.started is not None:
        end(state, max(_last_sign(folder, state.name) - state.started, 0.0))


def _last_sign(folder: GridFolder, name: str) -> float:
    """When the cell's run folder or its log was last written to, seconds since the epoch; 0 without either."""
    run: Path = folder.run(name).path
    files = [folder.log(name), *(run.iterdir() if run.is_dir() else ())]
    return max((file.stat().st_mtime for file in files if file.exists()), default=0.0)
