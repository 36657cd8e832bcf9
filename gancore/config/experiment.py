"""A resolved experiment: every part a checked plugin with its options, every default filled in."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from gancore.config.differences import Difference, differences
from gancore.config.sections.data import DataKeys
from gancore.config.sections.evaluation import EvaluationKeys, MetricKeys
from gancore.config.sections.grid import GridConfig
from gancore.config.sections.init_from import InitFrom
from gancore.config.sections.training import TrainingConfig
from gancore.config.slots import SLOTS, TOP, Slot
from gancore.config.yaml.document import Document
from gancore.config.yaml.scalars import dump
from gancore.errors import ConfigError, Problem
from gancore.local_plugins import LocalPlugin, copy_into
from gancore.options import PluginConfig, is_later_default, places_of
from gancore.registry import PluginSpec, Registry
from gancore.trust import digest


@dataclass(frozen=True)
class Chosen:
    """A chosen plugin with its options.

    key: where it was chosen, "generator.normalization", which belongs to `slot`.
    use: the plugin's name, `spec` where it comes from, `plugin` its class, `cfg` an instance of its Config.
    core: the core's keys beside the plugin's options. inside: the choices in the slots within, None for an empty one.
    """

    key: str
    slot: Slot
    use: str
    spec: PluginSpec
    plugin: type[Any]
    cfg: PluginConfig
    core: PluginConfig
    inside: Mapping[str, "Chosen | None"]

    @property
    def kind(self) -> str:
        return self.spec.kind

    def to_dict(self, omit_later_defaults: bool = False) -> dict[str, Any]:
        """The choice as plain data, all options filled in; for `omit_later_defaults` see `plain`."""
        inside = {name: part and part.to_dict(omit_later_defaults) for name, part in self.inside.items()}
        core, options = (plain(keys, omit_later_defaults) for keys in (self.core, self.cfg))
        return {"use": self.use, **core, **inside, **options}

    def parts(self) -> Iterator["Chosen"]:
        """This plugin and those inside it."""
        yield self
        for part in self.inside.values():
            if part is not None:
                yield from part.parts()


@dataclass(frozen=True)
class ChosenData(Chosen):
    """A dataset; `core` says what the engine does with its images. `core.resolution` is never None."""

    core: DataKeys


@dataclass(frozen=True)
class ChosenNetwork(Chosen):
    """A generator or discriminator with the normalizations of its activations and its weights."""

    @property
    def network(self) -> Literal["generator", "discriminator"]:
        return "generator" if self.kind == "generator" else "discriminator"

    @property
    def normalization(self) -> Chosen:
        chosen = self.inside["normalization"]
        assert chosen is not None, "this slot is not optional"
        return chosen

    @property
    def weight_normalization(self) -> Chosen | None:
        return self.inside["weight_normalization"]


@dataclass(frozen=True)
class ChosenMetric(Chosen):
    """A metric. Its `features` are its own, those of the section, or its standard ones."""

    core: MetricKeys
    features: Chosen

    def parts(self) -> Iterator[Chosen]:
        yield from (self, self.features)


@dataclass(frozen=True)
class ChosenEvaluation:
    """What to measure and how often."""

    core: EvaluationKeys
    features: Chosen
    metrics: list[ChosenMetric]

    def to_dict(self, omit_later_defaults: bool = False) -> dict[str, Any]:
        features = self.features.to_dict(omit_later_defaults)
        metrics = [metric.to_dict(omit_later_defaults) for metric in self.metrics]
        return {"features": features, **plain(self.core, omit_later_defaults), "metrics": metrics}

    def parts(self) -> Iterator[Chosen]:
        yield self.features
        for metric in self.metrics:
            yield from metric.parts()


@dataclass(frozen=True)
class Experiment:
    """A resolved experiment. Two are equal if they describe the same training.

    grid: the axes of `gancore grid`; cells have none.
    home: the folder of its file; the files in `plugins` are relative to it.
    dropped: a line for each option that a change of `use` made pointless.
    trusted: whether all plugin files may be executed (gancore.trust), also those of files that cells extend.
    document, installed: the sources of the resolution; local plugins are not among the installed ones.
    """

    name: str
    plugins: dict[str, dict[str, str]]
    data: ChosenData
    generator: ChosenNetwork
    discriminator: ChosenNetwork
    loss: Chosen
    regularizers: dict[str, Chosen]
    augmentation: Chosen | None
    latent: Chosen | None
    init_from: InitFrom | None
    training: TrainingConfig
    evaluation: ChosenEvaluation | None
    analyses: list[Chosen]
    observers: list[Chosen]
    grid: GridConfig | None = field(compare=False)
    home: Path = field(compare=False)
    dropped: list[str] = field(compare=False)
    trusted: bool = field(compare=False)
    document: Document = field(compare=False, repr=False)
    installed: Registry = field(compare=False, repr=False)

    @property
    def base(self) -> Path:
        """The folder that relative paths in the dataset's options refer to."""
        return self.home / (self.data.core.base or "")

    def parts(self) -> list[Chosen]:
        """Every chosen plugin, in the order of the sections."""
        sections = [getattr(self, name) for name in TOP]
        chosen = [part for section in sections for part in _listed(section)]
        optimizers = [getattr(self.training, slot.name) for slot in SLOTS if slot.keys[:-1] == ("training",)]
        return [inner for part in [*chosen, *optimizers, self.evaluation] if part for inner in part.parts()]

    def to_dict(self, omit_later_defaults: bool = False) -> dict[str, Any]:
        """The experiment as plain data (JSON and YAML types); `load_experiment` of it returns an equal one.

        omit_later_defaults: leave out options that were added later and are at their defaults (gancore.options.Later).
        """
        return {
            "format": 1,
            "name": self.name,
            **({"plugins": self.plugins} if self.plugins else {}),
            **{
                name: plain(chosen, omit_later_defaults)
                for name in TOP
                if (chosen := getattr(self, name)) or not TOP[name].later
            },
            **({"init_from": plain(self.init_from)} if self.init_from else {}),
            "training": plain(self.training, omit_later_defaults),
            "evaluation": plain(self.evaluation, omit_later_defaults),
        }

    def to_yaml(self) -> str:
        return dump(self.to_dict())

    def plugin_origins(self) -> dict[str, str]:
        """Distribution and version of every chosen plugin: {"generator.skip": "gancore 0.1.0"}."""
        return {f"{part.kind}.{part.use}": f"{part.spec.distribution} {part.spec.version}" for part in self.parts()}

    def plugin_files(self) -> tuple[str, ...]:
        """Digests of the files of its local plugins, for a process that should trust the same ones."""
        files = [part.spec.source for part in self.parts() if isinstance(part.spec, LocalPlugin)]
        return tuple(sorted(set(map(digest, files))))

    def copied_into(self, folder: Path) -> "Experiment":
        """This experiment for the config of a run folder: copies the files of its local plugins to folder/plugins."""
        section = copy_into((part.spec for part in self.parts()), folder)
        copied = self._with_data_base(str(self.base.resolve()))
        if self.init_from is not None:
            there = str((self.home / self.init_from.file).resolve())
            copied = copied.starting_from(self.init_from.model_copy(update={"file": there}))
        return replace(copied, plugins=section, home=folder)

    def starting_from(self, init_from: InitFrom) -> "Experiment":
        """This experiment with other first weights."""
        return replace(self, init_from=init_from)

    def differences(self, other: "Experiment") -> list[Difference]:
        """The keys in which `other` differs from this experiment; each prints as "key: this -> other"."""
        return differences(self.identity(), other.identity())

    def places(self) -> set[str]:
        """Dotted keys that only say where data are. What a run or a cell computes depends on what they are."""
        return {"data.base", *(f"data.{name}" for name in places_of(type(self.data.cfg)))}

    def identity(self) -> dict[str, Any]:
        """The data that identify this experiment: files appear by their content, wherever they are.

        Sections that only look at the training or the trained model are left out.
        """
        later: dict[str, Any] = {name: [] for name, slot in TOP.items() if slot.beside}
        trained = replace(self, **later)
        if self.init_from is not None:
            trained = trained.starting_from(self.init_from.known_by_content(self.home))
        files = [part.spec for part in trained.parts() if isinstance(part.spec, LocalPlugin)]
        versions = {f"{spec.kind}.{spec.name}": spec.version for spec in files}
        return {**trained._with_data_base(None).to_dict(omit_later_defaults=True), "plugins": versions}

    def error(self, key: str, message: str) -> ConfigError:
        """A mistake at a dotted key, with its place in the file."""
        return ConfigError([Problem(self.document.where(tuple(key.split("."))), key, message)])

    def _with_data_base(self, base: str | None) -> "Experiment":
        return replace(self, data=replace(self.data, core=self.data.core.model_copy(update={"base": base})))


def _listed(section: Any) -> list[Any]:
    """The choices in a section: one plugin, several by key, or a list."""
    return list(section.values()) if isinstance(section, dict) else section if isinstance(section, list) else [section]


def plain(value: Any, omit_later_defaults: bool = False) -> Any:
    """Options as plain data: choices and models as mappings, tuples and sets as lists, paths as text.

    omit_later_defaults: leave out options that were added later and are at their defaults.
    """
    if isinstance(value, Chosen | ChosenEvaluation):
        return value.to_dict(omit_later_defaults)
    if isinstance(value, PluginConfig):
        names = [
            name for name in type(value).model_fields if not (omit_later_defaults and is_later_default(value, name))
        ]
        return {name: plain(getattr(value, name), omit_later_defaults) for name in names}
    if isinstance(value, Mapping):
        return {key: plain(inner, omit_later_defaults) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner, omit_later_defaults) for inner in value]
    if isinstance(value, set | frozenset):
        return sorted(map(plain, value))
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return int(value)  # 25000 and 25000.0 are the same option, whichever was written or is the default
    return str(value) if isinstance(value, Path) else value
