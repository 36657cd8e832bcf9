"""The process of one cell: `gancore train`, which saves and stops when the process that started it is gone.

    python -m gancore.cli.grid_cell EXPERIMENT RUN LOCK [DIGEST...] < pipe

The parent holds the pipe's other end. It closes the pipe to ask this process to save and stop; the pipe also closes
if the parent dies. Windows has no SIGTERM between processes, but pipes. Local plugin files with a DIGEST are trusted,
as in the process that started the grid.
"""

import os
import signal
import sys
import threading
from pathlib import Path

from gancore.artifacts.lock import waited_for
from gancore.cli import main as command_line
from gancore.trust import hand_over

STOP = getattr(signal, "SIGUSR1", signal.SIGTERM)
"""What this process sends itself: a signal that may come on top of another. A service manager sends its SIGTERM to the
grid and to its cells, and a second SIGTERM would end a cell unsaved."""


def main(experiment: str, run: str, lock: str, *trusted: str) -> int:
    """The exit code of `gancore train`. Waits for an earlier process of this cell that is still saving."""
    signal.signal(STOP, signal.SIG_DFL)  # even if the parent ignores it
    threading.Thread(target=_stop_when_closed, daemon=True).start()
    hand_over(trusted)
    with waited_for(Path(lock)):
        return command_line(["train", experiment, "--out", run])


def _stop_when_closed() -> None:
    while os.read(0, 1):
        pass
    if os.name == "nt":
        signal.raise_signal(STOP)  # os.kill would end the process at once there
    else:
        os.kill(os.getpid(), STOP)  # to the process, so that the main thread wakes up


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
