"""The result of a check of a plugin."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Finding:
    """The result for one aspect.

    about: the aspect, "statistic".
    expected: the expected result, "shape [4, 8, 16, 16]".
    got: the actual result; empty if it is as expected.
    why: the consequence for training.
    skipped: whether it could not be checked here; `expected` is then the reason.
    """

    about: str
    expected: str
    got: str = ""
    why: str = ""
    skipped: bool = False

    @property
    def passed(self) -> bool:
        return not self.got

    def __str__(self) -> str:
        if self.passed:
            return f"{self.about}: {self.expected}"
        return f"{self.about}: expected {self.expected}, got {self.got}{f'; {self.why}' if self.why else ''}"


def holds(condition: bool, about: str, expected: str, got: str, why: str = "") -> Finding:
    """The finding on a condition; `got` counts only where it does not hold."""
    return Finding(about, expected, "" if condition else got, why)


def equal(about: str, value: Tensor, expected: Tensor, what: str, why: str, tolerance: float = 0.0) -> Finding:
    """Whether two tensors of one shape are equal, or within `tolerance` of one another; `what` describes `expected`."""
    apart = float((value.detach() - expected.detach()).abs().max())
    return holds(apart <= tolerance, about, what, f"a difference of {apart:.3g}", why)
