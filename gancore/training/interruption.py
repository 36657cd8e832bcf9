"""Signals ask a run to finish its step and save; a second SIGINT or SIGTERM ends it at once."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from gancore.errors import Interrupted

URGENT = (signal.SIGINT, signal.SIGTERM)
"""Signals that users send, and send again if it takes too long."""

WARNINGS = tuple(getattr(signal, name) for name in ("SIGHUP", "SIGUSR1", "SIGXCPU") if hasattr(signal, name))
"""Signals that announce the end, often more than once: from a terminal that closes, from schedulers like Slurm, every
second from a kernel whose limit of CPU time is reached."""


class StopRequest:
    """True in a boolean context once a signal has arrived."""

    def __init__(self) -> None:
        self.requested = self.urgent = False

    def __bool__(self) -> bool:
        return self.requested

    def handle(self, number: int, frame: FrameType | None) -> None:
        if number in URGENT:
            if self.urgent:
                raise Interrupted("ended at once; what was trained since the last checkpoint is lost")
            self.urgent = True
        self.requested = True


@contextmanager
def stop_request() -> Iterator[StopRequest]:
    """A context that listens for the signals; only the main thread can.

    A warning that the process was started to ignore stays ignored: a run under nohup outlives its terminal.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    numbers = [*URGENT, *(n for n in WARNINGS if signal.getsignal(n) is not signal.SIG_IGN)]
    before = {number: signal.signal(number, request.handle) for number in numbers}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
