"""`gancore.evaluate`: scores of a run, a model, a generator or a folder of images."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from gancore.config import Experiment
from gancore.config.experiment import ChosenEvaluation
from gancore.config.load import load_evaluation
from gancore.contracts import Generator
from gancore.data import ImageData
from gancore.device import pick_device
from gancore.discovery import discover
from gancore.display import Displays
from gancore.evaluation.evaluator import Evaluator
from gancore.evaluation.reals import Reals
from gancore.evaluation.score import Score
from gancore.evaluation.sharing import sharing
from gancore.evaluation.targets import Target, find_reals, find_target
from gancore.local_plugins import LocalPlugin
from gancore.messages import tell
from gancore.registry import Registry

Metrics = Sequence[str | Mapping[str, Any]]


def evaluate(
    target: str | Path | Generator,
    metrics: Metrics | None = None,
    real: str | Path | ImageData | None = None,
    features: str | Mapping[str, Any] | None = None,
    samples: int | None = None,
    reals: int | None = None,
    repeat: int | None = None,
    seed: int | None = None,
    fit: str | None = None,
    batch: int = 64,
    device: str | torch.device | None = None,
    trust_local_plugins: bool = False,
    data: str | Path | None = None,
) -> list[Score]:
    """Scores of `target` against real images.

    target: a run folder, a model file, a generator, or a folder or archive of images.
    metrics: names or mappings, ["fid", {"use": "kid", "repeat": 10}]; default: the run's own, else fid.
    real: a folder, an archive, an experiment's file, the name of a dataset plugin, or open data; default: a run's own.
    features: the feature plugin, "embedded" or {"use": "timm", "model": ...}.
    samples: generated images (default: the protocol's, 50,000); reals: real ones (default: all).
    repeat: evaluations with new seeds, unless a metric sets its own number; for mean and spread.
    seed: of latents, labels and noise (default: the run's own, else 0).
    fit: how to fit images of another size, "resize", "crop", "pad" or "wide".
    batch: images at a time; changes no number beyond rounding.
    device: default cuda, mps or cpu, the first that is available.
    trust_local_plugins: whether the plugin files of a run folder or a model may be executed.

    data: the place of the run's own data on this machine, if they have moved.

    Raises GancoreError (ConfigError, DataError, RunError) before any computation if something is missing.
    """
    where, processes = pick_device(device), sharing()
    with processes.in_turn():
        found = Target(target) if isinstance(target, Generator) else find_target(Path(target), trust_local_plugins, fit)
        changes = {"metrics": metrics, "features": features, "samples": samples, "reals": reals, "seed": seed}
        evaluation = evaluation_of(
            found.experiment, {key: value for key, value in changes.items() if value is not None}, repeat
        )
        compared = (
            real
            if isinstance(real, ImageData)
            else find_reals(Path(real) if real else None, found, fit, trust_local_plugins, Path(data) if data else None)
        )
        evaluator = Evaluator(evaluation, Reals(compared, evaluation.core.reals) if compared else None, where)
    for images in filter(None, (found.images, compared)) if processes.first else ():
        for note in images.notes:
            tell(f"{images.identity.dataset}: {note}")
    return Displays(evaluator.scores(found.fakes(compared, where, batch, evaluation.core.draws)))


def evaluation_of(experiment: Experiment | None, changes: Mapping[str, Any], repeat: int | None) -> ChosenEvaluation:
    """An experiment's evaluation (fid, if it has none) with changes. Raises ConfigError."""
    own = experiment.evaluation if experiment else None
    section = {**(own.to_dict() if own else {"metrics": ["fid"]}), **changes}
    if repeat is not None:
        named = [{"use": metric} if isinstance(metric, str) else metric for metric in section["metrics"]]
        section["metrics"] = [{**metric, "repeat": max(metric.get("repeat", 1), repeat)} for metric in named]
    return load_evaluation(section, _registry(experiment))


def _registry(experiment: Experiment | None) -> Registry:
    """All installed plugins, and the local ones of the experiment."""
    local = [part.spec for part in experiment.parts() if isinstance(part.spec, LocalPlugin)] if experiment else []
    return discover().with_local(dict.fromkeys(local))
