"""The process of one cell: `gancore train`, which saves and stops when the process that started it is gone.

    python -m gancore.cli.grid_cell EXPERIMENT RUN LOCK [DIGEST...] < pipe

The pipe's other end is with the parent. When that dies, however it dies, the pipe is closed, and this process asks
itself to stop in good order. Local plugin files with a DIGEST are trusted, as they were where the grid was started.
"""

import fcntl
import os
import signal
import sys
import threading

from gancore.cli import main as command_line
from gancore.trust import hand_over


def main(experiment: str, run: str, lock: str, *trusted: str) -> int:
    """The exit code of `gancore train`. Waits for an earlier process of this cell that is still saving."""
    threading.Thread(target=_stop_with_parent, daemon=True).start()
    hand_over(trusted)
    with open(lock, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        return command_line(["train", experiment, "--out", run])


def _stop_with_parent() -> None:
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
