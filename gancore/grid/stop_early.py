"""`stop_early`: which rule stops a run, and whether rules name scores that will exist."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from gancore.artifacts import scores
from gancore.config import Experiment
from gancore.config.experiment import ChosenMetric
from gancore.config.sections.grid import StopEarly
from gancore.config.yaml.document import dotted
from gancore.errors import Problem


def hopeless(metrics: Path, rules: Sequence[StopEarly]) -> tuple[StopEarly, str] | None:
    """The first rule that stops a run, and the verdict in one line. Values that are not finite are skipped."""
    evaluations = scores.read(metrics).evaluations
    names = list(dict.fromkeys(name for at in evaluations for name in at.scores))
    for rule in rules:
        name = score_of(rule.metric, names)
        for at in evaluations:
            if name is None or name not in at.finite or at.kimg < rule.after_kimg:
                continue
            score = at.finite[name]
            if scores.better(rule.worse_than, score.value, score.higher_is_better):
                return rule, (
                    f"stopped early: {name} {score.value:.4g} at {at.kimg:g} kimg is worse than "
                    f"{rule.worse_than:g} (after {rule.after_kimg:g} kimg)"
                )
    return None


def score_of(metric: str, names: Sequence[str]) -> str | None:
    """The score of a rule on `metric`: the one of that name, or else the only one of that metric, with any features;
    None if there is none, or more than one."""
    if metric in names:
        return metric
    seen = [name for name in names if name.partition("[")[0] == metric]
    return seen[0] if len(seen) == 1 else None


def mistakes(grid: Experiment, cells: Sequence[Experiment]) -> Iterator[Problem]:
    """Rules of the grid that could never hold, because no evaluation of its cells has such a score."""
    for index, rule in enumerate(grid.grid.stop_early if grid.grid else ()):
        if not any(_is_promised(rule.metric, cell) for cell in cells):
            keys = ("grid", "stop_early", index, "metric")
            known = ", ".join(dict.fromkeys(name for cell in cells for name in promised_scores(cell)))
            given = f"the scores of these cells will be {known}" if known else "these cells have no `evaluation:`"
            message = f"{rule.metric!r} is none of their scores, or more than one; {given}"
            yield Problem(grid.document.where(keys), dotted(keys), message)


def promised_scores(experiment: Experiment) -> list[str]:
    """Names of the scores that an experiment's evaluation will have, as far as they are known without weights."""
    return [
        value if metric.features.use == metric.plugin.standard else f"{value}[{metric.features.use}]"
        for metric in _metrics(experiment)
        for value in _values(metric)
    ]


def _is_promised(metric: str, experiment: Experiment) -> bool:
    return score_of(metric, promised_scores(experiment)) is not None or any(
        metric.startswith((f"{value}[{part.features.use}:", f"{value}[{part.features.use}-"))  # a variant, known later
        for part in _metrics(experiment)
        for value in _values(part)
    )


def _metrics(experiment: Experiment) -> list[ChosenMetric]:
    return experiment.evaluation.metrics if experiment.evaluation else []


def _values(metric: ChosenMetric) -> tuple[str, ...]:
    return metric.plugin.values or (metric.use,)
