"""From a document to a checked experiment, or to all its mistakes at once."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from gancore.config.compatibility import misfits
from gancore.config.experiment import Chosen, ChosenData, ChosenEvaluation, ChosenMetric, ChosenNetwork, Experiment
from gancore.config.inheritance import filled, inherited, means_another
from gancore.config.messages import mistakes, show
from gancore.config.sections.data import FORMAT
from gancore.config.sections.evaluation import EvaluationKeys
from gancore.config.sections.experiment import Sections
from gancore.config.sections.init_from import InitFrom
from gancore.config.sections.training import TrainingConfig
from gancore.config.slots import KEY, Slot, slot_at
from gancore.config.yaml.document import Document, Keys, dotted, find, without
from gancore.config.yaml.reader import NO_SPACE
from gancore.errors import ConfigError, PluginError, Problem
from gancore.local_plugins import load_local
from gancore.options import PluginConfig
from gancore.registry import PluginSpec, Registry, check_kind, explain

Model = TypeVar("Model", bound=PluginConfig)

UNWRITTEN: Any = object()
"""Marks a section that the document does not have, which is not the same as null."""


def resolve(document: Document, registry: Registry, home: Path, name: str, trusted: bool) -> Experiment:
    """The experiment that a document describes; `name` is its default name.

    Raises ConfigError with all mistakes: those of sections and of every plugin's options; if there are none, those of
    parts that do not fit together.
    """
    if not isinstance(document.data, dict):
        message = f"an experiment is a mapping of sections (data, generator, training, ...), got {show(document.data)}"
        raise ConfigError([Problem(document.where(()), "", message)])
    resolver = _Resolver(document, registry)
    resolver.add_local_plugins(home, trusted)
    experiment = resolver.experiment(home, name, trusted)
    if experiment is None or resolver.problems:
        raise ConfigError(sorted(resolver.problems, key=_line))
    if problems := misfits(experiment, resolver.registry):
        raise ConfigError(sorted(problems, key=_line))
    return experiment


def resolve_evaluation(document: Document, registry: Registry) -> ChosenEvaluation:
    """The `evaluation` section of a document, which needs no other. Raises ConfigError."""
    resolver = _Resolver(document, registry)
    evaluation = resolver.evaluation()
    if evaluation is None or resolver.problems:
        raise ConfigError(resolver.problems)
    return evaluation


def resolve_analyses(document: Document, registry: Registry) -> list[Chosen]:
    """The `analyses` section of a document, which needs no other. Raises ConfigError."""
    resolver = _Resolver(document, registry)
    analyses = resolver.listed("analyses")
    if resolver.problems:
        raise ConfigError(resolver.problems)
    return analyses


def _is_a_runs_own(data: Mapping[Any, Any]) -> bool:
    """Whether this is the experiment of a run, a grid or a model: a resolved one, which has these keys."""
    return "format" in data and "base" in dict(_items(data.get("data")))


def _line(problem: Problem) -> tuple[str, int]:
    file, _, line = problem.where.rpartition(":")
    return (file, int(line)) if line.isdecimal() else ("", 0)


class _Resolver:
    """Checks a document section by section; a section with mistakes becomes None, with the mistakes in `problems`."""

    def __init__(self, document: Document, registry: Registry) -> None:
        self.document, self.registry, self.installed = document, registry, registry
        self.problems: list[Problem] = []
        self.dropped: list[str] = []
        self.resolved: dict[str, Any] = {}
        """Sections that are done; later ones may inherit from them."""
        self.undone: set[Any] = set()
        """Names of refused local plugins; that they are unknown is not another mistake."""

    def experiment(self, home: Path, name: str, trusted: bool) -> Experiment | None:
        sections = self.check(Sections, self.document.data, ())
        training = self.training(sections.training) if sections else None
        self.resolved["training"] = training
        data, generator, discriminator = self.data(), self.network("generator"), self.network("discriminator")
        loss = self.section("loss")
        regularizers = self.regularizers()
        augmentation, latent = self.section("augmentation"), self.section("latent")
        evaluation = self.evaluation()
        analyses, observers = self.listed("analyses"), self.listed("observers")
        if self.problems or not (sections and training and data and generator and discriminator and loss):
            return None
        return Experiment(
            name=sections.name or name,
            plugins=sections.plugins or {},
            data=data,
            generator=generator,
            discriminator=discriminator,
            loss=loss,
            regularizers=regularizers,
            augmentation=augmentation,
            latent=latent,
            init_from=InitFrom(file=sections.init_from) if isinstance(sections.init_from, str) else sections.init_from,
            training=training,
            evaluation=evaluation,
            analyses=analyses,
            observers=observers,
            grid=sections.grid,
            home=home,
            dropped=self.dropped,
            trusted=trusted,
            document=self.document,
            installed=self.installed,
        )

    def add_local_plugins(self, home: Path, trusted: bool) -> None:
        for kind, files in _items(find(self.document.data, ("plugins",))):
            for name, target in _items(files):
                requested = self.document.is_request(self.document.where(("plugins", kind, name)))
                section = {str(kind): {str(name): str(target)}}
                try:
                    check_kind(str(kind))
                    specs = load_local(section, home, requested=requested, trusted=trusted)
                    self.registry = self.registry.with_local(specs)
                except PluginError as error:
                    message = str(error).removeprefix(f"plugins.{kind}.{name}: ")
                    self.problem(("plugins", kind, name), message)
                    self.undone.add(name)

    def data(self) -> ChosenData | None:
        if self.document.data.get("data") is None:
            known = ", ".join(self.registry.names("dataset")) or "none"
            self.problem((), f"data is missing; say where images come from, {{use: NAME, ...}}; known: {known}")
            return None
        chosen = self.section("data", ChosenData)
        if chosen is None:
            return None
        resolution = chosen.core.resolution or getattr(chosen.plugin, "default_resolution", None)
        if resolution is None:
            self.problem(("data",), "resolution is missing; say the width of the images, for example 32")
        format = chosen.core.format or (1 if _is_a_runs_own(self.document.data) else FORMAT)
        data = replace(chosen, core=chosen.core.model_copy(update={"resolution": resolution, "format": format}))
        self.resolved["data"] = data
        return data

    def training(self, section: TrainingConfig) -> TrainingConfig:
        """The section with its optimizers. Those of one network say only what differs from that of both, unless they
        `use` another one."""
        both = section.optimizer
        chosen = {"optimizer": self.choose(("training", "optimizer"), both)}
        for key in ("generator_optimizer", "discriminator_optimizer"):
            own = getattr(section, key)
            if isinstance(own, dict) and isinstance(both, dict):
                use = both.get("use", slot_at(("training", "optimizer")).default)
                common = both if chosen["optimizer"] else {}  # a mistake in it is reported once
                own = {**common, "use": use, **own} if own.get("use", use) == use else own
            chosen[key] = self.choose(("training", key), own)
        return section.model_copy(update=chosen)

    def network(self, name: str) -> ChosenNetwork | None:
        self.resolved[name] = network = self.section(name, ChosenNetwork)
        return network

    def regularizers(self) -> dict[str, Chosen]:
        """The regularizers, without those that are null or false."""
        section = dict(_items(self.document.data.get("regularizers")))
        wrong = [key for key in section if isinstance(key, str) and not re.fullmatch(KEY, key)]
        for key in wrong:
            message = f"the key {show(key)} must be made of letters, digits, _ and -"
            self.problem(("regularizers", key), message, ("regularizers",))
        wanted = {key: value for key, value in section.items() if value is not None and value is not False}
        names = [key for key in wanted if isinstance(key, str) and key not in wrong]
        found = {key: self.choose(("regularizers", key), wanted[key]) for key in names}
        return {key: part for key, part in found.items() if part}

    def evaluation(self) -> ChosenEvaluation | None:
        keys: Keys = ("evaluation",)
        section = self.document.data.get("evaluation")
        if section is None:
            return None
        if not isinstance(section, dict):
            self.problem(keys, f"expected a mapping, {{metrics: [fid], ...}}, got {show(section)}")
            return None
        own = {key: value for key, value in section.items() if key != "features"}
        core = self.check(EvaluationKeys, own, keys, also={"features"})
        features = self.choose((*keys, "features"), section.get("features", UNWRITTEN))
        if core is None or features is None:
            return None
        found = [self.metric((*keys, "metrics", i), metric, features) for i, metric in enumerate(core.metrics)]
        metrics = [metric for metric in found if metric]
        return ChosenEvaluation(core.model_copy(update={"metrics": [m.to_dict() for m in metrics]}), features, metrics)

    def listed(self, name: str) -> list[Chosen]:
        """The choices in a section that is a list; the check of the sections reports anything but a list."""
        section = self.document.data.get(name)
        written = enumerate(section if isinstance(section, list) else [])
        return [part for i, one in written if (part := self.choose((name, i), one)) is not None]

    def metric(self, keys: Keys, written: Any, features: Chosen) -> ChosenMetric | None:
        part = self.choose(keys, written)
        if part is None:
            return None
        given = part.inside["features"]
        seen = given or features
        is_other = part.plugin.bound and seen.use != part.plugin.standard
        if given and is_other:
            self.problem(keys, f"{part.use!r} means {part.plugin.standard} features, and uses no others")
            return None
        if is_other or part.plugin.needs not in seen.plugin.provides:
            if given or not part.plugin.standard:
                self.problem(keys, f"{part.use!r} needs features with {part.plugin.needs}, and {seen.use!r} has none")
                return None
            standard = self.choose((*keys, "features"), {"use": part.plugin.standard})
            if standard is None:
                return None
            seen = standard
        return ChosenMetric(**vars(part), features=seen)

    def section(self, name: str, form: type[Any] = Chosen) -> Any:
        """The choice in a slot that is a section."""
        return self.choose((name,), self.document.data.get(name, UNWRITTEN), form)

    def choose(self, keys: Keys, written: Any, form: type[Any] = Chosen) -> Any:
        """The plugin chosen at `keys`, as a `form`, with the choices in the slots inside it; None if there is none.

        Its options are the keys there without `use`, the core's keys and those slots.
        """
        slot = slot_at(keys)
        if slot.optional and (written is None or written is UNWRITTEN):
            return None
        section = {} if written is UNWRITTEN else written
        if not isinstance(section, dict):
            self.problem(keys, f"expected NAME or {{use: NAME, option: value}}, got {show(section)}")
            return None
        before = len(self.problems)
        core = self.check(slot.own, {key: section[key] for key in section if key in slot.own.model_fields}, keys)
        inside = {
            inner.name: self.choose((*keys, inner.name), section.get(inner.name, UNWRITTEN)) for inner in slot.inside
        }
        options = {key: value for key, value in section.items() if key not in slot.reserved}
        found = self.configured(keys, slot, section.get("use", slot.default_at(keys)), options)
        if found is None or len(self.problems) > before:
            return None
        spec, plugin, cfg = found
        return form(dotted(keys), slot, spec.name, spec, plugin, cfg, core, inside)

    def configured(
        self, keys: Keys, slot: Slot, use: Any, options: dict[Any, Any]
    ) -> tuple[PluginSpec, type[Any], PluginConfig] | None:
        """The plugin of that name with its options."""
        found = self.plugin(keys, slot.kind, use)
        if found is None:
            return None
        spec, plugin = found
        owner = f"{slot.kind} {spec.name!r}"
        if taken := [name for name in plugin.Config.model_fields if name in slot.reserved]:
            self.problem(keys, f"{owner} has options that are gancore's own ({', '.join(taken)}); it must rename them")
            return None
        for key in [key for key in options if self.is_another(key, keys, slot, plugin.Config)]:
            del options[key]
            self.dropped.append(str(self.at((*keys, key), f"dropped; {owner} means something else by it")))
        cfg = self.check(plugin.Config, options, keys, slot.reserved, owner)
        cfg = cfg and self.inherit(cfg, keys, owner)
        return cfg and (spec, plugin, cfg)

    def plugin(self, keys: Keys, kind: str, name: Any) -> tuple[PluginSpec, Any] | None:
        if not isinstance(name, str):
            known = ", ".join(self.registry.names(kind)) or "none"
            missing = "use is missing" if name is None else f"use: expected a name, got {show(name)}"
            self.problem(keys, f"{missing}; known: {known}")
            return None
        if glued := NO_SPACE.fullmatch(name):
            message = f"a space is missing after the colon: `{glued[1]}: {glued[2]}`"
            self.problem(keys, message)
            return None
        try:
            spec = self.registry.get(kind, name)
            return spec, spec.load()
        except PluginError as error:
            if name not in self.undone:
                self.problem((*keys, "use"), str(error), keys)
            return None

    def is_another(self, key: Any, keys: Keys, slot: Slot, config: type[PluginConfig]) -> bool:
        """Whether an option was written for another plugin, which means something else by it."""
        origin = self.document.stale.get((*keys, key))
        if origin is None or origin.part != keys:
            return False
        try:
            old = self.registry.get(str(slot.kind), str(origin.use or slot.default_at(keys))).load()
        except PluginError:  # reported elsewhere, where it matters
            return False
        return means_another(str(key), old.Config, config)

    def inherit(self, cfg: Model, keys: Keys, owner: str) -> Model | None:
        """The options with the inherited ones filled in."""
        values = inherited(cfg, self.resolved)
        try:
            return type(cfg).model_validate(filled(cfg, values)) if values else cfg
        except ValidationError:
            told = ", ".join(
                f"{dotted((*keys, *own))} would be that of {source}" for own, (source, _) in values.items()
            )
            self.problem(keys, f"{told}, which does not fit {owner}; write what it should be")
            return None

    def check(
        self, model: type[Model], value: dict[Any, Any], keys: Keys, also: Iterable[str] = (), owner: str = ""
    ) -> Model | None:
        """The value as a model. Drops unknown options that a change of `use` left behind."""
        try:
            return model.model_validate(value)
        except ValidationError as error:
            found = mistakes(error, model, value, also)
        except Exception as error:  # a plugin's own validator may raise anything
            self.problem(keys, f"{owner or 'this section'} could not check its options: {explain(error)}")
            return None
        stale = [one for one in found if one.unknown and (*keys, *one.keys) in self.document.stale]
        for one in stale:
            value = without(value, one.keys)
            self.dropped.append(str(self.at((*keys, *one.keys), f"dropped; {owner or 'this'} has no such option")))
        if stale:
            return self.check(model, value, keys, also, owner)
        for one in found:
            self.problem((*keys, *one.keys), one.message)
        return None

    def problem(self, keys: Keys, message: str, key: Keys | None = None) -> None:
        """Records a mistake at `keys`, under the name `key` if that is clearer."""
        self.problems.append(self.at(keys, message, key))

    def at(self, keys: Keys, message: str, key: Keys | None = None) -> Problem:
        return Problem(self.document.where(keys), dotted(keys if key is None else key), message)


def _items(section: Mapping[Any, Any] | Any) -> list[tuple[Any, Any]]:
    """The entries of a mapping; empty for anything else, which the check of the sections reports."""
    return list(section.items()) if isinstance(section, dict) else []
