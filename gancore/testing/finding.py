"""The result of a check of a plugin."""

from dataclasses import asdict, dataclass
from typing import Any

from torch import Tensor


@dataclass(frozen=True)
class Finding:
    """The result for one aspect.

    about: the aspect, "statistic".
    expected: the expected result, "shape [4, 8, 16, 16]".
    got: the actual result; empty if it is as expected.
    why: the consequence for training.
    skipped: whether it could not be checked here; `expected` is then the reason.
    check: the name of the check; where: file and line of what failed, "mine.py:12".
    """

    about: str
    expected: str
    got: str = ""
    why: str = ""
    skipped: bool = False
    check: str = ""
    where: str = ""

    @property
    def passed(self) -> bool:
        return not self.got

    @property
    def state(self) -> str:
        """ "ok", "fail" or "skip"."""
        return "skip" if self.skipped else "ok" if self.passed else "fail"

    def to_dict(self) -> dict[str, Any]:
        return {"state": self.state} | {key: value for key, value in asdict(self).items() if key != "skipped"}

    def __str__(self) -> str:
        if self.passed:
            return f"{self.about}: {self.expected}"
        why = f"; {self.why}" if self.why else ""
        where = f" ({self.where})" if self.where and self.where not in self.got else ""
        return f"{self.about}: expected {self.expected}, got {self.got}{why}{where}"


def holds(condition: bool, about: str, expected: str, got: str, why: str = "") -> Finding:
    """The finding on a condition; `got` counts only where it does not hold."""
    return Finding(about, expected, "" if condition else got or "something else", why)


def equal(about: str, value: Tensor, expected: Tensor, what: str, why: str, tolerance: float = 0.0) -> Finding:
    """Whether two tensors are equal, or within `tolerance` of one another; `what` describes `expected`."""
    if value.shape != expected.shape:
        return Finding(about, what, f"shape {list(value.shape)} in place of {list(expected.shape)}", why)
    apart = float((value.detach().double() - expected.detach().double()).abs().max()) if value.numel() else 0.0
    return holds(apart <= tolerance, about, what, f"a difference of {apart:.3g}", why)
