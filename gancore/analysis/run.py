"""`gancore.analyze`: analyses of a run, a model or a generator."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from gancore.analysis.record import Record, recorded
from gancore.analysis.subject import ModelSubject, Sources
from gancore.analysis.targets import sources_of
from gancore.config.experiment import Chosen
from gancore.config.load import load_analyses
from gancore.config.sections.analyses import AnalysisKeys
from gancore.contracts import Analysis, Generator
from gancore.device import pick_device
from gancore.discovery import discover
from gancore.display import Displays
from gancore.errors import GancoreError
from gancore.evaluation.extractor import FeatureExtractor

Part = str | Mapping[str, Any]


def analyze_all(target: str | Path | Generator, **asked: Any) -> tuple[Iterator[Record], dict[str, str]]:
    """The results of every analysis that applies to `target`, each when it is done, and why the others do not apply.

    `asked` is as for `analyze`.
    """
    ready, refused = _ready(target, discover().names("analysis"), **asked)
    return (one.record() for one in ready), refused


class Refused(GancoreError):
    """Analyses that say nothing about a model. reasons: by name."""

    def __init__(self, reasons: Mapping[str, str]) -> None:
        self.reasons = dict(reasons)
        super().__init__("; ".join(f"{name}: {reason}" for name, reason in reasons.items()))


def analyze(
    target: str | Path | Generator,
    analyses: Sequence[Part],
    real: str | Path | None = None,
    features: Part | None = None,
    count: int | None = None,
    seeds: Sequence[int] | None = None,
    device: str | torch.device | None = None,
    trust_local_plugins: bool = False,
) -> list[Record]:
    """What analyses find in `target`, in their order.

    target: a run folder, a model file, or a generator.
    analyses: names or mappings, ["droplets", {"use": "truncation", "psi": [0.5, 1]}].
    real: real images: a folder, an archive, an experiment's file, a dataset plugin; default: the run's own.
    features: a feature plugin; default: the first of each analysis's own that is available.
    count: samples; seeds: of latents, labels and noise; default: each analysis's own.
    device: default cuda, mps or cpu, the first that is available.
    trust_local_plugins: whether plugin files that a run folder or a model brings along may be executed.

    Raises GancoreError before anything is computed where an analysis is unknown or says nothing about this model.
    """
    ready, refused = _ready(target, analyses, real, features, count, seeds, device, trust_local_plugins)
    if refused:
        raise Refused(refused)
    return Displays(one.record() for one in ready)


def _ready(
    target: str | Path | Generator,
    analyses: Sequence[Part],
    real: str | Path | None = None,
    features: Part | None = None,
    count: int | None = None,
    seeds: Sequence[int] | None = None,
    device: str | torch.device | None = None,
    trust_local_plugins: bool = False,
) -> tuple[list["Ready"], dict[str, str]]:
    """The analyses that apply, and by name why the others do not. The arguments are those of `analyze`."""
    chosen = load_analyses([_with(part, features, count, seeds) for part in analyses])
    where = pick_device(device)
    path = target if isinstance(target, Generator) else Path(target)
    sources = sources_of(path, Path(real) if real is not None else None, trust_local_plugins)
    ready = [Ready(part, sources, where) for part in chosen]
    reasons = {one.part.use: "; ".join(one.refusals()) for one in ready}
    refused = {name: reason for name, reason in reasons.items() if reason}
    return [one for one in ready if one.part.use not in refused], refused


class Ready:
    """An analysis with all that it needs, before it runs. Raises GancoreError if features are unavailable."""

    def __init__(self, part: Chosen, sources: Sources, device: torch.device) -> None:
        self.part, self.sources, self.device = part, sources, device
        self.analysis: Analysis = part.plugin(part.cfg)
        self.extractor = _extractor(part, self.analysis.features, device)
        self.count: int = keys_of(part).count or self.analysis.count

    @property
    def name(self) -> str:
        """The analysis's, with the features where they are not its first choice."""
        other = self.extractor is not None and self.extractor.label != self.analysis.features[0]
        return f"{self.part.use}[{self.extractor.label}]" if self.extractor and other else self.part.use

    def refusals(self) -> Iterator[str]:
        """Why the analysis says nothing about this model; nothing where it does."""
        subject = self._subject(0)
        unmet = [(word, why) for word, why in self.analysis.requires.items() if not _provides(subject, word)]
        for word, why in unmet:
            yield MISSING.get(word, f"the model's {word.replace(':', ' provides no ')}") + f"; {why}"
        if not unmet:
            with self.part.spec.blamed("could not say whether it applies"):
                yield from self.analysis.misfits(subject)

    def record(self) -> Record:
        """Runs it with each of its seeds."""
        results = []
        for seed in keys_of(self.part).seeds:
            with torch.no_grad(), self.part.spec.blamed("raises"):
                results.append(self.analysis.analyze(self._subject(seed)))
        label = self.extractor.label if self.extractor else None
        return recorded(self.part, self.name, label, self.sources.about, self.count, keys_of(self.part).seeds, results)

    def _subject(self, seed: int) -> ModelSubject:
        return ModelSubject(self.sources, self.count, seed, self.device, self.extractor)


MISSING = {
    "run:history": "no checkpoints here",
    "run:discriminator": "no discriminator here",
    "dataset:images": "no real images here, say which ones (--real)",
}
"""The problem, if a requirement is not met that is not the generator's."""


def keys_of(part: Chosen) -> AnalysisKeys:
    """The core's keys beside an analysis."""
    assert isinstance(part.core, AnalysisKeys)
    return part.core


def _provides(subject: ModelSubject, requirement: str) -> bool:
    kind, _, word = requirement.partition(":")
    return word in subject.provided.get(kind, frozenset())


def _with(part: Part, features: Part | None, count: int | None, seeds: Sequence[int] | None) -> dict[str, Any]:
    """An analysis in YAML, with the requested options."""
    asked = {"features": features, "count": count, "seeds": None if seeds is None else list(seeds)}
    written = {"use": part} if isinstance(part, str) else dict(part)
    return {**written, **{key: value for key, value in asked.items() if value is not None}}


def _extractor(part: Chosen, own: Sequence[str], device: torch.device) -> FeatureExtractor | None:
    """The features chosen for an analysis, else the first of its list that are available; None if it uses none."""
    if not own:
        return None
    given = part.inside["features"]
    return _first([given] if given else map(_feature, own), device)


def first_available(names: Sequence[str], device: torch.device) -> FeatureExtractor:
    """The first of these feature plugins that is available, with its defaults. Raises GancoreError for the first."""
    return _first(map(_feature, names), device)


def _first(features: Iterable[Chosen], device: torch.device) -> FeatureExtractor:
    missing: GancoreError | None = None
    for feature in features:
        extractor = FeatureExtractor(feature, device)
        try:
            extractor.feature.check()
        except GancoreError as error:
            missing = missing or error
        else:
            return extractor
    assert missing is not None
    raise missing


def _feature(name: str) -> Chosen:
    """A feature plugin with its defaults."""
    (part,) = load_analyses([{"use": next(iter(discover().names("analysis"))), "features": name}])
    found = part.inside["features"]
    assert found is not None
    return found
