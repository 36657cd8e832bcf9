"""A place in the bytes of a pickle: numbers, lines and text are read there, none of them beyond the end."""

import struct
from typing import Any

from gancore.errors import CheckpointError
from gancore.interop.values import Budget

SHORT = 4096
"""Longest string, in bytes, that is copied; longer ones stay in the file as views."""


class Cursor:
    """Reads bytes from `place` on. Every method raises CheckpointError if the file ends too early."""

    def __init__(self, data: memoryview, budget: Budget) -> None:
        self.data, self.place, self.budget = data, 0, budget

    def byte(self) -> int:
        """The next byte."""
        if self.place >= len(self.data):
            raise CheckpointError(f"is truncated: it ends at byte {len(self.data)}, in the middle of a pickle")
        self.place += 1
        return self.data[self.place - 1]

    def take(self, size: int) -> memoryview:
        """A view of the next `size` bytes."""
        if size < 0 or size > len(self.data) - self.place:
            raise CheckpointError(f"is truncated or damaged: {size} bytes should follow byte {self.place}")
        self.place += size
        return self.data[self.place - size : self.place]

    def number(self, form: str) -> Any:
        """A number in a format of the struct module."""
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def line(self) -> bytes:
        """The bytes up to the next newline, which is skipped."""
        begin = self.place
        for at in range(begin, len(self.data), SHORT):
            if (found := bytes(self.data[at : at + SHORT]).find(b"\n")) >= 0:
                self.place = at + found + 1
                self.budget.pay(self.place - begin)
                return bytes(self.data[begin : at + found])
        raise CheckpointError(f"is not a pickle, or is damaged: no line ends after byte {begin}")

    def text(self, size: int) -> str:
        """The next `size` bytes as UTF-8."""
        self.budget.pay(size)
        return str(self.take(size), "utf-8", "surrogatepass")
