"""A resolved experiment: every part a checked plugin with its options, every default filled in."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from gancore.config.differences import Difference, differences
from gancore.config.sections import DataKeys
from gancore.config.sections.evaluation import EvaluationKeys, MetricKeys
from gancore.config.sections.grid import GridConfig
from gancore.config.sections.training import TrainingConfig
from gancore.config.yaml.document import Document
from gancore.config.yaml.scalars import dump
from gancore.errors import ConfigError, Problem
from gancore.local_plugins import LocalPlugin, copy_into
from gancore.options import PluginConfig, is_later_default
from gancore.registry import PluginSpec, Registry
from gancore.trust import digest


@dataclass(frozen=True)
class Chosen:
    """A chosen plugin with its options.

    key: where it stands in the experiment, "generator.normalization".
    use: the plugin's name, `spec` where it comes from, `plugin` its class, `cfg` an instance of its Config.
    """

    key: str
    kind: str
    use: str
    spec: PluginSpec
    plugin: type[Any]
    cfg: PluginConfig

    def to_dict(self, omit_later_defaults: bool = False) -> dict[str, Any]:
        """The part as plain data, all options filled in; for `omit_later_defaults` see `plain`."""
        return {"use": self.use, **plain(self.cfg, omit_later_defaults)}

    def parts(self) -> Iterator["Chosen"]:
        """This part and those inside it."""
        yield self


@dataclass(frozen=True)
class ChosenData(Chosen):
    """A dataset; `core` holds what the engine does with its images. `core.resolution` is never None."""

    core: DataKeys

    def to_dict(self, omit_later_defaults: bool = False) -> dict[str, Any]:
        return {"use": self.use, **plain(self.core, omit_later_defaults), **plain(self.cfg, omit_later_defaults)}


@dataclass(frozen=True)
class ChosenNetwork(Chosen):
    """A generator or discriminator with what normalizes its activations and its weights."""

    normalization: Chosen
    weight_normalization: Chosen | None

    @property
    def network(self) -> Literal["generator", "discriminator"]:
        return "generator" if self.kind == "generator" else "discriminator"

    def to_dict(self, omit_later_defaults: bool = False) -> dict[str, Any]:
        weights = self.weight_normalization
        own = {
            "normalization": self.normalization.to_dict(omit_later_defaults),
            "weight_normalization": weights.to_dict(omit_later_defaults) if weights else None,
        }
        return {"use": self.use, **own, **plain(self.cfg, omit_later_defaults)}

    def parts(self) -> Iterator[Chosen]:
        yield from filter(None, (self, self.normalization, self.weight_normalization))


@dataclass(frozen=True)
class ChosenMetric(Chosen):
    """A metric. It looks through `features`: those given for it, those of the section, or its standard ones."""

    core: MetricKeys
    features: Chosen

    def to_dict(self, omit_later_defaults: bool = False) -> dict[str, Any]:
        own = self.features.to_dict(omit_later_defaults) if self.core.features is not None else None
        return {
            "use": self.use,
            **plain(self.core, omit_later_defaults),
            "features": own,
            **plain(self.cfg, omit_later_defaults),
        }

    def parts(self) -> Iterator[Chosen]:
        yield from (self, self.features)


@dataclass(frozen=True)
class ChosenEvaluation:
    """What is measured and how often; `core` has it all as plain data."""

    core: EvaluationKeys
    features: Chosen
    metrics: list[ChosenMetric]

    def to_dict(self, omit_later_defaults: bool = False) -> dict[str, Any]:
        seen = {
            "features": self.features.to_dict(omit_later_defaults),
            "metrics": [m.to_dict(omit_later_defaults) for m in self.metrics],
        }
        return {**plain(self.core, omit_later_defaults), **seen}

    def parts(self) -> Iterator[Chosen]:
        yield self.features
        for metric in self.metrics:
            yield from metric.parts()


@dataclass(frozen=True)
class Experiment:
    """A resolved experiment. Two are equal when they describe the same training.

    grid: what `gancore grid` makes of it; its cells have none.
    home: the folder of its file, which the files in `plugins` are relative to.
    dropped: a line for each option that a change of `use` made pointless.
    trusted: whether all plugin files may be executed (gancore.trust), those of files that cells extend too.
    document, installed: what it was resolved from; local plugins are not among the installed ones.
    """

    name: str
    plugins: dict[str, dict[str, str]]
    data: ChosenData
    generator: ChosenNetwork
    discriminator: ChosenNetwork
    loss: Chosen
    regularizers: dict[str, Chosen]
    augmentation: Chosen | None
    training: TrainingConfig
    evaluation: ChosenEvaluation | None
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
        chosen = [self.data, self.generator, self.discriminator, self.loss, *self.regularizers.values()]
        return [inner for part in [*chosen, self.augmentation, self.evaluation] if part for inner in part.parts()]

    def to_dict(self, omit_later_defaults: bool = False) -> dict[str, Any]:
        """The experiment as plain data (JSON and YAML types); `load_experiment` of it gives an equal one.

        omit_later_defaults: leave out options that were added later and are at their defaults (gancore.options.Later).
        """
        return {
            "format": 1,
            "name": self.name,
            **({"plugins": self.plugins} if self.plugins else {}),
            "data": self.data.to_dict(omit_later_defaults),
            "generator": self.generator.to_dict(omit_later_defaults),
            "discriminator": self.discriminator.to_dict(omit_later_defaults),
            "loss": self.loss.to_dict(omit_later_defaults),
            "regularizers": {key: part.to_dict(omit_later_defaults) for key, part in self.regularizers.items()},
            "augmentation": self.augmentation.to_dict(omit_later_defaults) if self.augmentation else None,
            "training": plain(self.training, omit_later_defaults),
            "evaluation": self.evaluation.to_dict(omit_later_defaults) if self.evaluation else None,
        }

    def to_yaml(self) -> str:
        return dump(self.to_dict())

    def plugin_origins(self) -> dict[str, str]:
        """Distribution and version of every chosen plugin: {"generator.skip": "gancore 0.1.0"}."""
        return {f"{part.kind}.{part.use}": f"{part.spec.distribution} {part.spec.version}" for part in self.parts()}

    def plugin_files(self) -> tuple[str, ...]:
        """Digests of the files of its local plugins, for a process that is to trust the same ones."""
        files = [part.spec.source for part in self.parts() if isinstance(part.spec, LocalPlugin)]
        return tuple(sorted(set(map(digest, files))))

    def copied_into(self, folder: Path) -> "Experiment":
        """This experiment as it reads in a run folder: copies the files of its local plugins to folder/plugins."""
        section = copy_into((part.spec for part in self.parts()), folder)
        return replace(self._with_data_base(str(self.base.resolve())), plugins=section, home=folder)

    def differences(self, other: "Experiment") -> list[Difference]:
        """The keys in which `other` is another experiment; each prints as "key: this -> other"."""
        return differences(self.identity(), other.identity())

    def identity(self) -> dict[str, Any]:
        """What makes this experiment differ from others: plugin files by their content, wherever it lies."""
        files = [part.spec for part in self.parts() if isinstance(part.spec, LocalPlugin)]
        versions = {f"{spec.kind}.{spec.name}": spec.version for spec in files}
        return {**self._with_data_base(None).to_dict(omit_later_defaults=True), "plugins": versions}

    def error(self, key: str, message: str) -> ConfigError:
        """A mistake at a dotted key, with the place where that was written."""
        return ConfigError([Problem(self.document.where(tuple(key.split("."))), key, message)])

    def _with_data_base(self, base: str | None) -> "Experiment":
        return replace(self, data=replace(self.data, core=self.data.core.model_copy(update={"base": base})))


def plain(value: Any, omit_later_defaults: bool = False) -> Any:
    """Options as plain data: models as mappings, tuples and sets as lists, paths as text.

    omit_later_defaults: leave out options that were added later and are at their defaults.
    """
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
