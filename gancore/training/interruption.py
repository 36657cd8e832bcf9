"""SIGINT and SIGTERM ask a run to finish its step; a second one ends it at once."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from gancore.errors import Interrupted

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopRequest:
    """True in a boolean context once a signal has come."""

    def __init__(self) -> None:
        self.requested = False

    def __bool__(self) -> bool:
        return self.requested

    def handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise Interrupted("ended at once; what was trained since the last checkpoint is lost")
        self.requested = True


@contextmanager
def stop_request() -> Iterator[StopRequest]:
    """Listens for the signals while the block runs; elsewhere than in the main thread nothing can be heard."""
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    before = {number: signal.signal(number, request.handle) for number in SIGNALS}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
