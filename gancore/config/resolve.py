"""From what was written to a checked experiment, or to all its mistakes at once."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from gancore.config.compatibility import misfits
from gancore.config.experiment import (
    Chosen,
    ChosenData,
    ChosenEvaluation,
    ChosenMetric,
    ChosenNetwork,
    Experiment,
    plain,
)
from gancore.config.inheritance import filled, inherited, means_another
from gancore.config.messages import mistakes, show
from gancore.config.sections import DEFAULTS, KEY, NETWORK_KEYS, DataKeys, Frame
from gancore.config.sections.evaluation import EvaluationKeys, MetricKeys
from gancore.config.yaml.document import Document, Key, Keys, child, dotted, find, without
from gancore.errors import ConfigError, PluginError, Problem
from gancore.local_plugins import load_local
from gancore.options import PluginConfig
from gancore.registry import PluginSpec, Registry, check_kind, explain

Model = TypeVar("Model", bound=PluginConfig)


def resolve(document: Document, registry: Registry, home: Path, name: str, trusted: bool) -> Experiment:
    """The experiment that a document describes; `name` is what it is called unless it says so itself.

    Raises ConfigError with all mistakes: the frame's and those of every plugin's options; when there are none,
    what does not fit together.
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
    """The `evaluation` section of a document that may have nothing else. Raises ConfigError."""
    resolver = _Resolver(document, registry)
    evaluation = resolver.evaluation()
    if evaluation is None or resolver.problems:
        raise ConfigError(resolver.problems)
    return evaluation


def _line(problem: Problem) -> tuple[str, int]:
    file, _, line = problem.where.rpartition(":")
    return (file, int(line)) if line.isdecimal() else ("", 0)


class _Resolver:
    """Checks a document section by section; a section with mistakes gives None and adds them to `problems`."""

    def __init__(self, document: Document, registry: Registry) -> None:
        self.document, self.registry, self.installed = document, registry, registry
        self.problems: list[Problem] = []
        self.dropped: list[str] = []
        self.resolved: dict[str, Any] = {}
        """Sections that are done, as plain data; later ones may inherit from them."""
        self.undone: set[Any] = set()
        """Names of local plugins that were refused; that nobody else knows them is no further mistake."""

    def experiment(self, home: Path, name: str, trusted: bool) -> Experiment | None:
        frame = self.check(Frame, self.document.data, ())
        self.resolved["training"] = plain(frame.training) if frame else None
        data, generator, discriminator = self.data(), self.network("generator"), self.network("discriminator")
        loss = self.part(("loss",), "loss")
        regularizers = {key: self.part(("regularizers", key), "regularizer") for key in self.regularizer_keys()}
        augmentation = self.optional(("augmentation",), "augmentation")
        evaluation = self.evaluation()
        if self.problems or not (frame and data and generator and discriminator and loss):
            return None
        return Experiment(
            name=frame.name or name,
            plugins=frame.plugins or {},
            data=data,
            generator=generator,
            discriminator=discriminator,
            loss=loss,
            regularizers={key: part for key, part in regularizers.items() if part},
            augmentation=augmentation,
            training=frame.training,
            evaluation=evaluation,
            grid=frame.grid,
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
        section = find(self.document.data, ("data",))
        if section is None:
            known = ", ".join(self.registry.names("dataset")) or "none"
            self.problem((), f"data is missing; say where images come from, {{use: NAME, ...}}; known: {known}")
            return None
        keys = {key: value for key, value in _items(section) if key in DataKeys.model_fields}
        core = self.check(DataKeys, keys, ("data",))
        part = self.part(("data",), "dataset", DataKeys.model_fields)
        if core is None or part is None:
            return None
        resolution = core.resolution or getattr(part.plugin, "default_resolution", None)
        if resolution is None:
            self.problem(("data",), "resolution is missing; say the width of the images, for example 32")
        data = ChosenData(**vars(part), core=core.model_copy(update={"resolution": resolution}))
        self.resolved["data"] = data.to_dict()
        return data

    def network(self, kind: str) -> ChosenNetwork | None:
        part = self.part((kind,), kind, NETWORK_KEYS)
        normalization = self.part((kind, "normalization"), "normalization")
        weights = self.optional((kind, "weight_normalization"), "normalization")
        if part is None or normalization is None:
            return None
        network = ChosenNetwork(**vars(part), normalization=normalization, weight_normalization=weights)
        self.resolved[kind] = network.to_dict()
        return network

    def regularizer_keys(self) -> list[str]:
        """Those that are wanted: null and false remove one."""
        section = dict(_items(find(self.document.data, ("regularizers",))))
        wrong = [key for key in section if isinstance(key, str) and not re.fullmatch(KEY, key)]
        for key in wrong:
            message = f"the key {show(key)} must be made of letters, digits, _ and -"
            self.problem(("regularizers", key), message, ("regularizers",))
        wanted = [key for key, value in section.items() if value is not None and value is not False]
        return [key for key in wanted if isinstance(key, str) and key not in wrong]

    def evaluation(self) -> ChosenEvaluation | None:
        keys: Keys = ("evaluation",)
        section = find(self.document.data, keys)
        if section is None:
            return None
        if not isinstance(section, dict):
            self.problem(keys, f"expected a mapping, {{metrics: [fid], ...}}, got {show(section)}")
            return None
        core = self.check(EvaluationKeys, section, keys)
        features = self.part((*keys, "features"), "feature")
        if core is None or features is None:
            return None
        found = [self.metric((*keys, "metrics", i), features) for i in range(len(core.metrics))]
        metrics = [metric for metric in found if metric]
        written = {"features": features.to_dict(), "metrics": [metric.to_dict() for metric in metrics]}
        return ChosenEvaluation(core.model_copy(update=written), features, metrics)

    def metric(self, keys: Keys, features: Chosen) -> ChosenMetric | None:
        section = _items(find(self.document.data, keys))
        core = self.check(MetricKeys, {key: value for key, value in section if key in MetricKeys.model_fields}, keys)
        part = self.part(keys, "metric", MetricKeys.model_fields)
        given = self.optional((*keys, "features"), "feature")
        if core is None or part is None:
            return None
        seen = given or features
        is_other = part.plugin.bound and seen.use != part.plugin.standard
        if given and is_other:
            self.problem(keys, f"{part.use!r} means {part.plugin.standard} features, and looks through no others")
            return None
        if is_other or part.plugin.needs not in seen.plugin.provides:
            if given or not part.plugin.standard:
                self.problem(keys, f"{part.use!r} needs features with {part.plugin.needs}, and {seen.use!r} has none")
                return None
            spec = self.registry.get("feature", part.plugin.standard)
            plugin = spec.load()
            seen = Chosen(dotted((*keys, "features")), "feature", spec.name, spec, plugin, plugin.Config())
        core = core.model_copy(update={"features": given.to_dict() if given else None})
        return ChosenMetric(**vars(part), core=core, features=seen)

    def optional(self, keys: Keys, kind: str) -> Chosen | None:
        return None if find(self.document.data, keys) is None else self.part(keys, kind)

    def part(self, keys: Keys, kind: str, core: Iterable[str] = ()) -> Chosen | None:
        """The plugin at `keys`, whose options are what stands there less `use` and the keys of the core."""
        around = find(self.document.data, keys[:-1])
        try:
            section = child(around, keys[-1])
        except KeyError:
            section = {}
        if not isinstance(section, dict):
            self.problem(keys, f"expected NAME or {{use: NAME, option: value}}, got {show(section)}")
            return None
        found = self.plugin(keys, kind, section)
        if found is None:
            return None
        spec, plugin = found
        options = {key: value for key, value in section.items() if key not in core and key != "use"}
        owner = f"{kind} {spec.name!r}"
        if taken := [name for name in plugin.Config.model_fields if name in {*core, "use"}]:
            self.problem(keys, f"{owner} has options that are gancore's own ({', '.join(taken)}); it must rename them")
            return None
        for key in [key for key in options if self.is_another(key, keys, kind, plugin.Config)]:
            del options[key]
            self.dropped.append(str(self.at((*keys, key), f"dropped; {owner} means something else by it")))
        cfg = self.check(plugin.Config, options, keys, {*core, "use"}, owner)
        cfg = cfg and self.inherit(cfg, keys, owner)
        return cfg and Chosen(dotted(keys), kind, spec.name, spec, plugin, cfg)

    def is_another(self, key: Key, keys: Keys, kind: str, config: type[PluginConfig]) -> bool:
        """Whether an option was written for another plugin, which means something else by it."""
        origin = self.document.stale.get((*keys, key))
        if origin is None or origin.part != keys:
            return False
        try:
            old = self.registry.get(kind, str(origin.use or _default_use(keys))).load()
        except PluginError:  # told elsewhere, where it matters
            return False
        return means_another(str(key), old.Config, config)

    def inherit(self, cfg: Model, keys: Keys, owner: str) -> Model | None:
        """The options with those filled in that follow another part's."""
        values = inherited(cfg, self.resolved)
        try:
            return type(cfg).model_validate(filled(cfg, values)) if values else cfg
        except ValidationError:
            told = ", ".join(
                f"{dotted((*keys, *own))} would be that of {source}" for own, (source, _) in values.items()
            )
            self.problem(keys, f"{told}, which does not fit {owner}; write what it should be")
            return None

    def plugin(self, keys: Keys, kind: str, section: Mapping[Key, Any]) -> tuple[PluginSpec, Any] | None:
        name = section.get("use", _default_use(keys))
        if not isinstance(name, str):
            known = ", ".join(self.registry.names(kind)) or "none"
            missing = "use is missing" if name is None else f"use: expected a name, got {show(name)}"
            self.problem(keys, f"{missing}; known: {known}")
            return None
        try:
            spec = self.registry.get(kind, name)
            return spec, spec.load()
        except PluginError as error:
            if name not in self.undone:
                self.problem((*keys, "use"), str(error), keys)
            return None

    def check(
        self, model: type[Model], value: dict[Any, Any], keys: Keys, also: Iterable[str] = (), owner: str = ""
    ) -> Model | None:
        """The value as a model. Options that a change of `use` left behind are dropped where they are unknown."""
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
        """Notes a mistake at `keys`, told under `key` where that is the better name."""
        self.problems.append(self.at(keys, message, key))

    def at(self, keys: Keys, message: str, key: Keys | None = None) -> Problem:
        return Problem(self.document.where(keys), dotted(keys if key is None else key), message)


def _default_use(keys: Keys) -> Any:
    return keys[-1] if keys[0] == "regularizers" else DEFAULTS.get(keys)


def _items(section: Any) -> list[tuple[Any, Any]]:
    """The entries of a mapping; none where something else was written, which the frame reports."""
    return list(section.items()) if isinstance(section, dict) else []
