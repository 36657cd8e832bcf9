"""Whether the rules of `stop_early` speak of scores that there will be, before anything is trained."""

from collections.abc import Iterator, Sequence

from gancore.config import Experiment
from gancore.config.document import dotted
from gancore.config.experiment import MetricPart
from gancore.errors import Problem
from gancore.grid.scores import spoken_of


def mistakes(grid: Experiment, cells: Sequence[Experiment]) -> Iterator[Problem]:
    """Rules of the grid that could never hold, because no evaluation of its cells gives such a score."""
    for index, rule in enumerate(grid.grid.stop_early if grid.grid else ()):
        if not any(_is_promised(rule.metric, cell) for cell in cells):
            keys = ("grid", "stop_early", index, "metric")
            known = ", ".join(dict.fromkeys(name for cell in cells for name in promised_scores(cell)))
            given = f"the scores of these cells will be {known}" if known else "these cells have no `evaluation:`"
            message = f"{rule.metric!r} is none of their scores, or more than one; {given}"
            yield Problem(grid.document.where(keys), dotted(keys), message)


def promised_scores(experiment: Experiment) -> list[str]:
    """Names of the scores that an experiment's evaluation will give, as far as they are known without weights."""
    return [
        value if metric.features.use == metric.plugin.standard else f"{value}[{metric.features.use}]"
        for metric in _metrics(experiment)
        for value in _values(metric)
    ]


def _is_promised(metric: str, experiment: Experiment) -> bool:
    return spoken_of(metric, promised_scores(experiment)) is not None or any(
        metric.startswith((f"{value}[{part.features.use}:", f"{value}[{part.features.use}-"))  # a variant, known later
        for part in _metrics(experiment)
        for value in _values(part)
    )


def _metrics(experiment: Experiment) -> list[MetricPart]:
    return experiment.evaluation.metrics if experiment.evaluation else []


def _values(metric: MetricPart) -> tuple[str, ...]:
    return metric.plugin.values or (metric.use,)
