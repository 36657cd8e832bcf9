"""Checks, and the families they belong to: the files of this package, each a set of checks of one aspect."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType

from gancore.testing.finding import Finding
from gancore.testing.subject import Subject


@dataclass(frozen=True)
class Check:
    """Looks at one aspect of plugins of some kinds."""

    kinds: tuple[str, ...]
    run: Callable[[Subject], Iterator[Finding]]

    @property
    def name(self) -> str:
        """The function's name in words."""
        return self.run.__name__.replace("_", " ")


def check(*kinds: str) -> Callable[[Callable[[Subject], Iterator[Finding]]], Check]:
    """Makes a function a check of plugins of these kinds.

    Torch's random state is set to the same seed before it runs, and put back after it. What it raises is reported as a
    finding too, so it need not expect exceptions of the plugin.
    """
    return lambda run: Check(kinds, run)


def checks_of(family: ModuleType, kind: str) -> list[Check]:
    """The checks of a kind that a file defines, in its order."""
    return [found for found in vars(family).values() if isinstance(found, Check) and kind in found.kinds]
