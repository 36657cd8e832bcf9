"""metrics.jsonl: the evaluations of a run, a line each. Writes, reads and compares them.

A value that is not finite is never better than another one, and reports name a snapshot that has one.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter

from gancore.artifacts.reading import read_lines
from gancore.artifacts.run import append_line


class RecordedScore(BaseModel):
    """A score in metrics.jsonl (see gancore.evaluation.Score), with the progress of the run: `kimg`, `step`."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)

    name: str
    value: float
    spread: float | None = None
    protocol: str | None = None
    features: str | None = None
    samples: int | None = None
    seed: int | None = None
    data: dict[str, Any] | None = None
    higher_is_better: bool = False
    kimg: float = 0.0
    step: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Its fields in the line, with `kimg` and `step` last."""
        return {**self.model_dump(exclude_unset=True, exclude={"kimg", "step"}), "kimg": self.kimg, "step": self.step}


class _Line(BaseModel):
    model_config = ConfigDict(strict=True, allow_inf_nan=False)

    step: int
    kimg: float
    scores: list[RecordedScore]


@dataclass(frozen=True)
class Evaluation:
    """The scores of one evaluation by name, in the order of the metrics, finite or not."""

    step: int
    kimg: float
    scores: Mapping[str, RecordedScore]

    @property
    def finite(self) -> dict[str, RecordedScore]:
        """The finite scores."""
        return {name: score for name, score in self.scores.items() if math.isfinite(score.value)}


@dataclass(frozen=True)
class Scores:
    """The evaluations of a run while it trained. damage: faults of its file, one string each."""

    evaluations: Sequence[Evaluation] = ()
    damage: list[str] = field(default_factory=list)

    @property
    def final(self) -> dict[str, RecordedScore]:
        """The finite scores of the last evaluation that has any."""
        return next((at.finite for at in reversed(self.evaluations) if at.finite), {})

    @property
    def best(self) -> dict[str, RecordedScore]:
        """The finite scores of the best evaluation: all of one snapshot, as in the papers, which is that of
        model-best.safetensors."""
        found = best(self.evaluations)
        return found.finite if found else {}


def read(metrics: Path, last: int | None = None) -> Scores:
    """The evaluations in a metrics.jsonl, or the last ones, in order; damaged lines are left out, and named."""
    lines = read_lines(metrics, _LINES, "evaluation", last)
    evaluations, damage = [], list(lines.damage)
    for number, line in lines.by_number.items():
        found = _evaluation(line.step, line.kimg, line.scores)
        damage += [
            f"{metrics.name}:{number}: {name} is not finite, and was left out"
            for name in found.scores
            if name not in found.finite
        ]
        evaluations.append(found)
    return Scores(evaluations, damage)


def recorded(step: int, kimg: float, scores: Sequence[Mapping[str, Any]]) -> Evaluation:
    """An evaluation in the form that `read` returns; `scores` are the fields of gancore.evaluation.Score."""
    return _evaluation(step, kimg, [RecordedScore.model_validate(score) for score in scores])


def append(metrics: Path, step: int, kimg: float, scores: Sequence[Mapping[str, Any]]) -> None:
    """Adds an evaluation to a metrics.jsonl; `scores` in the order of the metrics."""
    append_line(metrics, {"step": step, "kimg": kimg, "scores": list(scores)})


def better(value: float, than: float, higher_is_better: bool) -> bool:
    """Whether a value of a metric is better than another one. One that is not finite is worse than any finite one."""
    if not math.isfinite(value) or not math.isfinite(than):
        return math.isfinite(value)
    return value > than if higher_is_better else value < than


def best(evaluations: Sequence[Evaluation]) -> Evaluation | None:
    """The evaluation with the best value of the first metric of the last one, finite; the earlier one of equals."""
    first = next((name for at in reversed(evaluations) for name in at.scores), "")
    winner: Evaluation | None = None
    for at in evaluations:
        if first in at.finite:
            score = at.finite[first]
            if winner is None or better(score.value, winner.scores[first].value, score.higher_is_better):
                winner = at
    return winner


def _evaluation(step: int, kimg: float, scores: Sequence[RecordedScore]) -> Evaluation:
    at = {"kimg": kimg, "step": step}
    return Evaluation(step, kimg, {score.name: score.model_copy(update=at) for score in scores})


_LINES = TypeAdapter(_Line)
