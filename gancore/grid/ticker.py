"""A line on a whole grid while it runs: all the time where a line can be rewritten, once a minute elsewhere."""

import sys
import time
from contextlib import suppress

from gancore.display import rewrites_lines
from gancore.grid.folder import GridFolder
from gancore.grid.status import status_of, summary
from gancore.messages import tell

SHARE = 100
"""Looking takes at most one part in so many of the process's time, however many cells there are."""


class Ticker:
    def __init__(self) -> None:
        self.rewrites = rewrites_lines()
        self.every = 2 if self.rewrites else 60
        self.wait: float = self.every
        self.last = time.monotonic()

    def look(self, folder: GridFolder) -> None:
        if time.monotonic() - self.last < self.wait:
            return
        self.last = time.monotonic()
        line = summary(status_of(folder))
        self.wait = max(self.every, SHARE * (time.monotonic() - self.last))
        if self.rewrites:
            with suppress(OSError):
                sys.stderr.write(f"\r\x1b[K{line}")
                sys.stderr.flush()
        else:
            tell(line)
