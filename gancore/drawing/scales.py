"""Values to pixels, with ticks at round values."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

LINE = 12.0
"""Least distance of two labels, pixels."""


@dataclass(frozen=True)
class Scale:
    """Values to pixels, with the values that have a tick."""

    low: float
    high: float
    start: float
    end: float
    ticks: Sequence[float]
    of: Callable[[float], float] = float

    def __call__(self, value: float) -> float:
        low, high = self.of(self.low), self.of(self.high)
        share = (self.of(value) - low) / (high - low)
        return round(self.start + share * (self.end - self.start), 1)

    @classmethod
    def linear(cls, low: float, high: float, start: float, end: float) -> "Scale":
        return cls(low, high, start, end, linear_ticks(low, high))

    @classmethod
    def padded(cls, values: Sequence[float], start: float, end: float) -> "Scale":
        """With room above and below, also where all values are one."""
        low, high = min(values), max(values)
        room = 0.08 * (high - low) or 0.1 * abs(high) or 1.0
        return cls.linear(low - room, high + room, start, end)

    @classmethod
    def logarithmic(cls, low: float, high: float, start: float, end: float) -> "Scale":
        low, high = low / 1.1, high * 1.1
        return cls(low, high, start, end, log_ticks(low, high), math.log)


def linear_ticks(low: float, high: float, about: int = 4) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten between two values, about so many."""
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.99)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(index * step, 12) for index in range(first, last + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 times powers of ten between two positive values; powers alone where these would be many."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    factors = (1, 2, 5) if math.log10(high / low) <= 2.5 else (1,)
    return [f * 10.0**p for p in powers for f in factors if low <= f * 10.0**p <= high]


def apart(wanted: Mapping[str, float], top: float, bottom: float, line: float = LINE) -> dict[str, float]:
    """Places near the wanted ones, at least a line from each other as far as there is room."""
    order = sorted(wanted, key=lambda label: wanted[label])
    found: dict[str, float] = {}
    lowest = top
    for label in order:
        found[label] = lowest = max(wanted[label], lowest)
        lowest += line
    ceiling = bottom
    for label in reversed(order):
        found[label] = min(found[label], ceiling)
        ceiling = found[label] - line
    return found
