"""The names of scores in tables, which two share a cell, and their numbers of decimals."""

import math
from collections.abc import Iterable, Sequence
from functools import cache
from importlib import resources
from typing import Any

from gancore.config.yaml.reader import parse


@cache
def _terms() -> dict[str, Any]:
    file = resources.files("gancore.grid.report") / "terms.yaml"
    terms: dict[str, Any] = parse(file.read_text(encoding="utf-8"), str(file)).data
    return terms


def word(score: str) -> str:
    """`fid[embedded]` as `FID [embedded]`."""
    name, bracket, features = score.partition("[")
    return f"{_terms()['words'].get(name, name)}{' ' + bracket + features if bracket else ''}"


def groups(scores: Sequence[str]) -> list[tuple[str, ...]]:
    """The scores in order; those that papers print in one cell together, with the same features if possible."""
    left = list(scores)
    found: list[tuple[str, ...]] = []
    while left:
        first = left.pop(0)
        partner = _partner(first, left)
        if partner is not None:
            left.remove(partner)
        found.append((first,) if partner is None else (first, partner))
    return found


def _partner(score: str, others: Sequence[str]) -> str | None:
    """One with the same features; else one whose features no possible partner shares."""
    name, _, features = score.partition("[")
    second = next((pair[1] for pair in _terms()["together"] if pair[0] == name), None)
    fitting = {other.partition("[")[2]: other for other in others if other.partition("[")[0] == second}
    free = [other for seen, other in fitting.items() if f"{name}[{seen}" not in others]
    return fitting.get(features) or next(iter(free), None)


def decimals(values: Iterable[float]) -> int:
    """Enough that the smallest value has four digits, but at most two after a point that follows a digit."""
    sizes = [abs(value) for value in values if value]
    if not sizes:
        return 2
    order = math.floor(math.log10(min(sizes)))
    return max(0, min(3 - order, 2)) if order >= 0 else min(2 - order, 6)
