"""Evaluation while training: scores into metrics.jsonl, and the best model kept.

It draws from generators of its own, so a run with evaluations has the bits of one without.
"""

import json
from dataclasses import asdict
from typing import Any

import torch

from gancore.artifacts.model import save_model
from gancore.artifacts.run import RunFolder, append_line
from gancore.config import Experiment
from gancore.contracts import Generator
from gancore.data import ImageData
from gancore.evaluation import Evaluator, Generated, Reals, Score, label_rows
from gancore.training.trainer import Trainer


class RunEvaluation:
    """The evaluation of one run. Raises GancoreError when made, where weights or packages cannot be had."""

    def __init__(self, experiment: Experiment, run: RunFolder, data: ImageData, device: torch.device) -> None:
        self.experiment, self.run, self.data = experiment, run, data
        self.every_kimg = float("inf")
        self.evaluator: Evaluator | None = None
        if (evaluation := experiment.evaluation) is not None:
            self.evaluator = Evaluator(evaluation, Reals(data, evaluation.core.reals), device)
            self.every_kimg = evaluation.core.every_kimg or self.every_kimg

    def is_due(self, trainer: Trainer) -> bool:
        """Whether the present state has not been evaluated yet; asked at the end of a run."""
        return self.evaluator is not None and all(line["step"] != trainer.counters.step for line in self._lines())

    def is_overdue(self, kimg: float) -> bool:
        """Whether an evaluation that was due by `kimg` is missing, because the run was ended before it."""
        last = max((line["kimg"] for line in self._lines()), default=0.0)
        return self.evaluator is not None and int(kimg / self.every_kimg) > int(last / self.every_kimg)

    def measure(self, trainer: Trainer) -> list[Score]:
        """Scores of the averaged generator, written down; none where the experiment has no evaluation."""
        if self.evaluator is None:
            return []
        generator = trainer.averaged()
        scores = self.evaluator.scores(Generated(generator, label_rows(generator, self.data)))
        at = {"step": trainer.counters.step, "kimg": round(trainer.kimg, 3)}
        if self._is_best(scores[0]):
            self._keep(generator, scores[0], at)
        append_line(self.run.metrics, {**at, "scores": [asdict(score) for score in scores]})
        return scores

    def _is_best(self, score: Score) -> bool:
        before = [line["scores"][0]["value"] for line in self._lines()]
        sign = 1 if score.higher_is_better else -1
        return all(sign * score.value > sign * value for value in before)

    def _keep(self, generator: Generator, score: Score, at: dict[str, float]) -> None:
        about = {**at, "score": score.to_dict(), "data": self.data.identity.to_dict()}
        save_model(self.run.best, generator, self.experiment.copied_into(self.run.path), about)

    def _lines(self) -> list[dict[str, Any]]:
        return (
            [json.loads(line) for line in self.run.metrics.read_text().splitlines()]
            if self.run.metrics.exists()
            else []
        )
