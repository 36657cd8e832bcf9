"""Evaluates generators: checks all requirements first, then measures any number of them."""

import json
import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from gancore.config.experiment import Chosen, ChosenEvaluation, ChosenMetric
from gancore.contracts import Draw, Generator, Metric, Moments, Value
from gancore.errors import GancoreError, RunError
from gancore.evaluation.extractor import FeatureExtractor
from gancore.evaluation.fakes import Fakes
from gancore.evaluation.moments import moments_of
from gancore.evaluation.progress import shown
from gancore.evaluation.reals import Reals
from gancore.evaluation.score import Score
from gancore.evaluation.sharing import sharing
from gancore.evaluation.weights import MissingWeights


class Evaluator:
    """The metrics of an `evaluation:` section against real images (None: for metrics that need none).

    Raises GancoreError, before any computation, if weights or packages are unavailable.
    """

    def __init__(self, evaluation: ChosenEvaluation, reals: Reals | None, device: torch.device) -> None:
        self.evaluation, self.reals = evaluation, reals
        self.extractors: dict[str, FeatureExtractor] = {}
        self.metrics = [self._ready(part, device) for part in evaluation.metrics]

    def check_counts(self, count: Callable[[int | None, int], int]) -> None:
        """Raises GancoreError with every reason why a metric cannot be computed on as many images as there are.

        count: generated images, if their number differs from the protocol's (`Fakes.count`).
        """
        reals = None if self.reals is None else len(self.reals)
        wrong = []
        for part, metric, _ in self.metrics:
            samples = count(part.core.samples or self.evaluation.core.samples, metric.samples)
            wrong += [f"{part.use}: {reason}" for reason in metric.shortages(samples, reals)]
        if wrong:
            raise GancoreError("; ".join(wrong))

    def scores(self, fakes: Fakes) -> list[Score]:
        """All scores, in the order of the metrics. Generated images are made once and shared.

        Raises RunError if the generator's images, or a score, are not finite.
        """
        self.check_counts(fakes.count)
        seen = _Seen(fakes)
        return [
            score for part, metric, extractor in self.metrics for score in self._scores(part, metric, extractor, seen)
        ]

    def _ready(self, part: ChosenMetric, device: torch.device) -> tuple[ChosenMetric, Metric, FeatureExtractor]:
        metric: Metric = part.plugin(part.cfg)
        metric.check()
        try:
            extractor = self._extractor(part.features, device)
        except MissingWeights as error:
            raise _advised(error, part, self.evaluation.features) from error
        extractor.wanted.add(metric.needs)
        return part, metric, extractor

    def _extractor(self, part: Chosen, device: torch.device) -> FeatureExtractor:
        """One extractor for all metrics with the same feature plugin and options."""
        key = json.dumps(part.to_dict(), sort_keys=True)
        if key not in self.extractors:
            extractor = FeatureExtractor(part, device)
            extractor.feature.check()
            self.extractors[key] = extractor
        return self.extractors[key]

    def _scores(
        self, part: ChosenMetric, metric: Metric, extractor: FeatureExtractor, seen: "_Seen"
    ) -> Iterator[Score]:
        repeat, seed = part.core.repeat, self.evaluation.core.seed
        if repeat > 1 and not seen.fakes.seeded:
            raise GancoreError(f"{part.use}: repeat {repeat} needs a generator; the same images have the same scores")
        samples = seen.fakes.count(part.core.samples or self.evaluation.core.samples, metric.samples)
        views = [_View(extractor, seen, self.reals, samples, seed + k) for k in range(repeat)]
        results = [metric.measure(view) for view in views]
        compared = self.reals.words() if self.reals and views[0].compared else ""
        repeated = f"mean and spread of {repeat} seeds" if repeat > 1 else ""
        for short in results[0]:
            name = short if extractor.label == metric.standard else f"{short}[{extractor.label}]"
            value = _over_repeats([result[short] for result in results])
            if not math.isfinite(value.value):
                raise RunError(f"{name}: the score is not finite ({value.value})")
            yield Score(
                name=name,
                value=value.value,
                spread=value.spread,
                protocol="; ".join(filter(None, [metric.protocol, seen.fakes.protocol, compared, repeated])),
                features=extractor.label,
                samples=samples,
                seed=seed if seen.fakes.seeded else None,
                data=self.reals.describe() if self.reals else None,
                higher_is_better=metric.higher_is_better,
            )


def _advised(error: MissingWeights, part: ChosenMetric, features: Chosen) -> GancoreError:
    """The remedy for missing weights: a special one if other features were requested."""
    if part.inside["features"] is not None or part.features.use == features.use:
        return error
    return GancoreError(
        f"{part.use} does not use `features: {features.use}`, but {part.features.use}: "
        f"{error.missing}; or leave {part.use} out"
    )


class _Seen:
    """Outputs of generated images by feature plugin and seed, computed when needed."""

    def __init__(self, fakes: Fakes) -> None:
        self.fakes = fakes
        self._outputs: dict[tuple[str, str, int], Tensor] = {}

    def outputs(self, extractor: FeatureExtractor, output: str, seed: int, samples: int) -> Tensor:
        key = (extractor.label, output, seed)
        known = self._outputs.get(key)
        have = 0 if known is None else len(known)
        if have < samples:
            # one pass for all outputs of all metrics: the images are the expensive part
            wanted = tuple(sorted(extractor.wanted - {"distance"}))
            more = extractor.extract(self.fakes.images(seed, have, samples), wanted, samples - have)
            for name, rows in more.items():
                before = self._outputs.get((extractor.label, name, seed))
                self._outputs[extractor.label, name, seed] = rows if before is None else torch.cat([before, rows])
        return self._outputs[key][:samples]


class _View:
    """The `Measurement` of the contracts."""

    def __init__(self, extractor: FeatureExtractor, seen: _Seen, reals: Reals | None, samples: int, seed: int) -> None:
        self.samples, self.seed, self.device = samples, seed, extractor.device
        self._extractor, self._seen, self._reals = extractor, seen, reals
        self.compared = False
        """Whether the real images were used."""

    def fake(self, output: str = "features") -> Tensor:
        return self._seen.outputs(self._extractor, output, self.seed, self.samples)

    def real(self, output: str = "features") -> Tensor:
        return self._real_side().features(self._extractor, output)

    def fake_moments(self) -> Moments:
        return moments_of(self.fake(), "generated images")

    def real_moments(self) -> Moments:
        return self._real_side().moments(self._extractor)

    def generator(self) -> Generator:
        return self._seen.fakes.generator()

    def draws(self) -> Iterator[tuple[Draw, Tensor | None]]:
        draws = self._seen.fakes.drawn(self.seed, self.samples)
        return shown(draws, self._extractor.label, self.samples, lambda batch: batch[0].n)

    def of_draws(self, work: Callable[[Draw, Tensor | None], Tensor]) -> Tensor:
        processes, draws = sharing(), self._seen.fakes.drawn(self.seed, self.samples)
        own = (draws[index] for index in processes.own(len(draws)))
        seen = shown(own, self._extractor.label, self.samples // processes.size, lambda batch: batch[0].n)
        rows = [work(draw, label) for draw, label in seen]
        return torch.cat([*processes.whole([row.cpu() for row in rows], len(draws))])

    def distance(self, a: Tensor, b: Tensor) -> Tensor:
        return self._extractor.distance(a, b)

    def _real_side(self) -> Reals:
        if self._reals is None:
            raise GancoreError("this metric compares with real images; name them with --real")
        self.compared = True
        return self._reals


def _over_repeats(values: list[Value]) -> Value:
    """Mean and standard deviation (n - 1) of several; a single value is returned unchanged."""
    if len(values) == 1:
        return values[0]
    mean = math.fsum(v.value for v in values) / len(values)
    variance = math.fsum((v.value - mean) ** 2 for v in values) / (len(values) - 1)
    return Value(mean, math.sqrt(variance))
