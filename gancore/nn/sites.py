"""Resolutions of a network that halves or doubles, and the sites of its normalized layers."""

from collections.abc import Iterable

from gancore.contracts import Site
from gancore.contracts.types import Network

FIRST_RESOLUTION = 4
LAST_RESOLUTION = 1024


def resolutions(last: int) -> list[int]:
    """4, 8, ..., last."""
    return [1 << i for i in range(FIRST_RESOLUTION.bit_length() - 1, last.bit_length())]


def resolution_problems(resolution: int, least: int = FIRST_RESOLUTION) -> Iterable[str]:
    """Why a network of blocks that double cannot have this resolution."""
    if resolution & (resolution - 1) or not least <= resolution <= LAST_RESOLUTION:
        below = max((r for r in resolutions(LAST_RESOLUTION) if least <= r <= resolution), default=least)
        yield (
            f"resolution {resolution} is not a power of two from {least} to {LAST_RESOLUTION}; "
            f"the next one below is {below}"
        )


class Sites:
    """Counts the normalized layers of a network in the order of computation."""

    def __init__(self, network: Network, total: int, styled: bool, condition: int = 0) -> None:
        """`condition`: the size of the condition of normalizations, in a network without styles."""
        self.network, self.total, self.styled, self.condition = network, total, styled, condition
        self.index = 0

    def next(self, name: str, resolution: int, c_in: int, c_out: int, conditioned: bool = True) -> Site:
        """The next site; without `conditioned` it has no condition."""
        condition = self.condition if conditioned else 0
        site = Site(name, resolution, self.index, self.total, c_in, c_out, self.network, self.styled, condition)
        self.index += 1
        return site
