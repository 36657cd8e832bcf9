"""Evaluation while training: writes scores into metrics.jsonl, and keeps the best model.

It has its own random generators, so a run with evaluations has the bits of one without.
"""

from collections.abc import Sequence
from dataclasses import asdict

import torch

from gancore.artifacts import scores
from gancore.artifacts.model import save_model
from gancore.artifacts.run import RunFolder
from gancore.config import Experiment
from gancore.config.identity import Identity
from gancore.data import ImageData
from gancore.errors import GancoreError
from gancore.evaluation import Evaluator, Generated, Reals, Score, label_rows
from gancore.training.trainer import Trainer


class RunEvaluation:
    """The evaluation of one run.

    Its constructor raises GancoreError if weights or packages are unavailable, or a metric needs more images.
    """

    def __init__(
        self, experiment: Experiment, run: RunFolder, data: ImageData, device: torch.device, identity: Identity
    ) -> None:
        self.experiment, self.run, self.data, self.identity = experiment, run, data, identity
        self.every_kimg = float("inf")
        self.evaluator: Evaluator | None = None
        if (evaluation := experiment.evaluation) is not None:
            try:
                self.evaluator = Evaluator(evaluation, Reals(data, evaluation.core.reals), device)
                self.evaluator.check_counts(lambda asked, standard: asked or standard)
            except GancoreError as error:
                raise GancoreError(f"{error}; or train without evaluation: -o evaluation=null") from error
            self.every_kimg = evaluation.core.every_kimg or self.every_kimg

    def is_due(self, trainer: Trainer) -> bool:
        """Whether the present state has no evaluation yet; for the end of a run."""
        return self.evaluator is not None and all(at.step != trainer.counters.step for at in self._made())

    def is_overdue(self, kimg: float) -> bool:
        """Whether an evaluation that was due by `kimg` is missing, because the run ended before it."""
        last = max((at.kimg for at in self._made()), default=0.0)
        return self.evaluator is not None and int(kimg / self.every_kimg) > int(last / self.every_kimg)

    def measure(self, trainer: Trainer) -> list[Score]:
        """Measures and writes the scores of the averaged generator; none if the experiment has no evaluation."""
        if self.evaluator is None:
            return []
        generator = trainer.averaged()
        draws = self.evaluator.evaluation.core.draws
        found = self.evaluator.scores(Generated(generator, label_rows(generator, self.data), draws=draws))
        step, kimg, fields = trainer.counters.step, round(trainer.kimg, 3), [asdict(score) for score in found]
        new = scores.recorded(step, kimg, fields)
        if scores.best([*self._made(), new]) is new:
            about = {"step": step, "kimg": kimg, "score": found[0].to_dict(), "data": self.data.identity.to_dict()}
            about["identity"] = self.identity.short
            save_model(self.run.best, generator, self.experiment.copied_into(self.run.path), about)
        scores.append(self.run.metrics, step, kimg, fields)
        return found

    def _made(self) -> Sequence[scores.Evaluation]:
        return scores.read(self.run.metrics).evaluations
