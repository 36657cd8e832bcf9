"""What a run measured while it trained: its evaluations, its last snapshot and its best one."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gancore.grid.scores import better

Scores = dict[str, dict[str, Any]]
"""Scores by name, each as metrics.jsonl has it, with the `kimg` and `step` it is of."""


@dataclass
class History:
    """Evaluations in order; `damage` says in words what of the file could not be used."""

    evaluations: list[Scores] = field(default_factory=list)
    damage: list[str] = field(default_factory=list)

    @property
    def final(self) -> Scores:
        """Scores of the last evaluation."""
        return self.evaluations[-1] if self.evaluations else {}

    @property
    def best(self) -> Scores:
        """Scores of the snapshot whose first metric is the best: all of one snapshot, as the papers report them, and
        the one that is kept as model-best.safetensors."""
        return best_of(self.evaluations)


def best_of(evaluations: Sequence[Scores]) -> Scores:
    """The evaluation with the best value of the metric that comes first; the earlier one of equals."""
    first = next((name for scores in evaluations for name in scores), "")
    winner: Scores = {}
    for scores in evaluations:
        if first in scores and (not winner or better(scores[first], winner[first])):
            winner = scores
    return winner


def history_of(metrics: Path) -> History:
    """Reads metrics.jsonl; lines that a kill or a disk has damaged are left out, and told."""
    try:
        text = metrics.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return History()
    except OSError as error:
        return History(damage=[f"{metrics.name} cannot be read: {error.strerror}"])
    history = History()
    for number, line in enumerate(text.splitlines(), 1):
        scores = _scores(line)
        if scores is None:
            history.damage.append(f"{metrics.name}:{number} is no evaluation, and was left out")
            continue
        for name in [name for name, score in scores.items() if not math.isfinite(score["value"])]:
            history.damage.append(f"{metrics.name}:{number}: {name} is not finite, and was left out")
            del scores[name]
        if scores:
            history.evaluations.append(scores)
    return history


def _scores(line: str) -> Scores | None:
    """The scores of a line by name; None where it is something else than an evaluation."""
    try:
        record = json.loads(line)
        at = {"kimg": float(record["kimg"]), "step": int(record["step"])}
        return {score["name"]: {**score, "value": float(score["value"]), **at} for score in _listed(record)}
    except (ValueError, KeyError, TypeError, OverflowError):
        return None


def _listed(record: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for score in record["scores"]:
        if not isinstance(score["name"], str):
            raise TypeError("a score's name is text")
        yield score
