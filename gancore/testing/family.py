"""Checks and their topics: each file of this package has the checks of one topic."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType

from gancore.testing.finding import Finding
from gancore.testing.subject import Subject


@dataclass(frozen=True)
class Check:
    """Checks one aspect of plugins of some kinds."""

    kinds: tuple[str, ...]
    run: Callable[[Subject], Iterator[Finding]]

    @property
    def name(self) -> str:
        """The function's name as text."""
        return self.run.__name__.replace("_", " ")


def check(*kinds: str) -> Callable[[Callable[[Subject], Iterator[Finding]]], Check]:
    """Makes a function a check of plugins of these kinds.

    Torch's random state is set to the same seed before it runs, and restored after it. An exception becomes a finding,
    so a check need not expect exceptions of the plugin.
    """
    return lambda run: Check(kinds, run)


def checks_of(family: ModuleType, kind: str) -> list[Check]:
    """The checks of a kind that a file defines, in its order."""
    return [found for found in vars(family).values() if isinstance(found, Check) and kind in found.kinds]
