"""Which of several means differ significantly: Welch's t-test, and Holm's correction for many tests.

Sources: B. L. Welch, Biometrika 34 (1947): means of samples whose variances may differ. S. Holm, Scandinavian Journal
of Statistics 6 (1979): the chance of any false claim among all tests stays below the level.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

FEWEST = 3
"""Fewest values of a sample for a claim about its mean."""

LEVEL = 0.05


@dataclass(frozen=True)
class Welch:
    """t statistic, degrees of freedom (Welch-Satterthwaite), two-sided p."""

    t: float
    df: float
    p: float


def welch(a: Sequence[float], b: Sequence[float]) -> Welch | None:
    """Whether two samples have different means; None if neither varies, so that the test is undefined.

    Both need two values or more.
    """
    va, vb = statistics.variance(a) / len(a), statistics.variance(b) / len(b)
    if va + vb == 0:
        return None
    t = (statistics.fmean(a) - statistics.fmean(b)) / math.sqrt(va + vb)
    # shares of the whole, so that the squares of small variances do not vanish
    sa, sb = va / (va + vb), vb / (va + vb)
    df = 1 / (sa**2 / (len(a) - 1) + sb**2 / (len(b) - 1))
    return Welch(t, df, student_p(t, df))


def holm(ps: Sequence[float]) -> list[float]:
    """Holm's adjusted p of each test, in the order given: reject where it is below the level.

    The i-th smallest of m is multiplied by m - i + 1, and none may be below one that is smaller unadjusted.
    """
    adjusted = [0.0] * len(ps)
    so_far = 0.0
    for rank, index in enumerate(sorted(range(len(ps)), key=lambda i: ps[i])):
        so_far = max(so_far, min(1.0, (len(ps) - rank) * ps[index]))
        adjusted[index] = so_far
    return adjusted


def student_p(t: float, df: float) -> float:
    """Two-sided p of Student's t with df > 0 degrees of freedom: I_x(df/2, 1/2) at x = df / (df + t^2)."""
    return incomplete_beta(df / (df + t * t), df / 2, 0.5)


def incomplete_beta(x: float, a: float, b: float) -> float:
    """The regularized incomplete beta function I_x(a, b), for a, b > 0 and x in [0, 1] (DLMF 8.17.22)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):  # where the fraction converges slowly, the other end's converges fast
        return 1 - incomplete_beta(1 - x, b, a)
    log_front = a * math.log(x) + b * math.log1p(-x) + math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    return math.exp(log_front) / (a * _fraction(x, a, b))


def _fraction(x: float, a: float, b: float, terms: int = 1000) -> float:
    """1 + d1/(1 + d2/(1 + ...)) of DLMF 8.17.22, by Lentz's method."""
    value = c = 1.0
    d = 0.0
    for n in range(1, terms):
        m = n // 2
        if n % 2:
            term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1 / (1 + term * d)
        c = 1 + term / c
        value *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return value
