"""Writes models in other formats: what a format receives, and where its files go."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from torch import Tensor

from gancore.artifacts import environment, scores
from gancore.artifacts.model import discriminator_beside, load_networks, load_with_experiment, write_model
from gancore.artifacts.reading import first_mistake
from gancore.artifacts.run import MODEL, RunFolder
from gancore.artifacts.tensors import description_of
from gancore.config import Experiment
from gancore.config.experiment import plain
from gancore.contracts import Discriminator, Format, Generator
from gancore.errors import CheckpointError, RunError, did_you_mean
from gancore.messages import tell
from gancore.registry import PluginSpec, Registry


@dataclass(frozen=True)
class Model:
    """A model to be written in another format.

    path: the run folder or the model file. generator: the averaged one, on the CPU. about: the description of the file.
    licence: the terms of the weights; default "unknown".
    """

    path: Path
    generator: Generator
    experiment: Experiment
    about: Mapping[str, Any]
    licence: str
    trusted: bool = False

    @cached_property
    def networks(self) -> dict[str, Generator | Discriminator]:
        """The other networks in the file: "generator" (not averaged), "discriminator", or neither."""
        return load_networks(self.path, self.trusted)

    @cached_property
    def discriminator(self) -> Discriminator | None:
        """That of the model file, or of the newest checkpoint of a run; None without one."""
        found = discriminator_beside(self.path, self.generator, self.experiment, self.trusted)
        return None if found is None else found()

    @property
    def scores(self) -> list[dict[str, Any]]:
        """The scores of the last evaluation of a run, as metrics.jsonl has them; none for a model file alone."""
        run = RunFolder(self.path)
        return [score.to_dict() for score in scores.read(run.metrics).final.values()]

    @property
    def data(self) -> dict[str, Any]:
        """Identity of the data that a run was trained with; empty where it is not known."""
        try:
            return environment.read(RunFolder(self.path)).data or {}
        except (OSError, RunError):
            return {}

    def options(self, network: str = "generator") -> dict[str, Any]:
        """The resolved entry of a network in the experiment."""
        entry: dict[str, Any] = self.experiment.to_dict()[network]
        return entry

    def save(self, out: Path) -> None:
        """Writes a model file of ours, of all networks."""
        tensors: dict[str, Tensor] = dict(self.generator.state_dict())
        for name, network in self.networks.items():
            tensors |= {f"{name}/{key}": value for key, value in network.state_dict().items()}
        about = {k: v for k, v in self.about.items() if k not in ("experiment", "interface", "stage", "plugins")}
        about["licence"] = self.licence
        write_model(out, tensors, self.experiment, self.generator.interface, self.generator.stage, about)


def load_for_export(path: Path, licence: str | None = None, trusted: bool = False) -> Model:
    """Loads a run folder or model file. Raises like `gancore.load`."""
    generator, experiment = load_with_experiment(path, trusted)
    about = description_of(path / MODEL if path.is_dir() else path)
    return Model(path, generator, experiment, about, licence or str(about.get("licence", "unknown")), trusted)


def writers(registry: Registry) -> dict[str, PluginSpec]:
    """The formats that can write, by name. Raises PluginError for one that cannot be loaded."""
    return {spec.name: spec for spec in registry.specs("format") if spec.load().writes}


def writer(registry: Registry, name: str, options: Mapping[str, Any]) -> tuple[PluginSpec, Format]:
    """The format of a name (- means _) with these options. Raises CheckpointError."""
    known = writers(registry)
    if (spec := known.get(name.replace("-", "_"))) is None:
        raise CheckpointError(f"no format {name!r} that can be written; {did_you_mean(name.replace('-', '_'), known)}")
    plugin = spec.load()
    try:
        cfg = plugin.Config.model_validate(options)
    except ValidationError as error:
        raise CheckpointError(f"format {spec.name}: {first_mistake(error)}") from error
    with spec.blamed("cannot be made"):
        made: Format = plugin(cfg)
    return spec, made


def export(model: Model, spec: PluginSpec, format: Format, out: Path, force: bool = False) -> None:
    """Writes a model to a file or folder, whole or not at all.

    Raises CheckpointError if `out` exists, unless `force`, and if the format cannot hold the model.
    """
    if (out.exists() or out.is_symlink()) and not force:
        raise CheckpointError(f"{out} exists already; --force replaces it")
    if not out.parent.is_dir():
        raise CheckpointError(f"{out.parent}: no such folder")
    with tempfile.TemporaryDirectory(prefix=".export-", dir=out.parent) as folder:
        made = Path(folder) / out.name
        with spec.blamed(f"cannot write {model.path}"):
            format.write(model, made)
        if made.is_dir() and out.is_dir():
            shutil.copytree(made, out, dirs_exist_ok=True)
        else:
            os.replace(made, out)


def check_held(model: Model, uses: set[str], free: set[str], **known: set[Any]) -> None:
    """Raises CheckpointError unless the averaged generator is one of `uses`, demodulates, and is fully grown, and its
    options are the defaults, but for those that are `free`; of `known` ones the values are given.

    An option that is added to a generator later is refused, unless it is at its default, until a format knows it.
    """
    default = {**plain(type(model.generator.cfg)()), **STYLEGAN2}
    if problem := _not_held(model.options(), default, uses, free, known):
        raise CheckpointError(f"{model.path}: {problem}")
    if model.generator.stage is not None:
        raise CheckpointError(f"{model.path}: is still growing, which this format cannot hold")


def held_discriminator(model: Model, uses: set[str], free: set[str], **known: set[Any]) -> Discriminator | None:
    """The discriminator, by the same rules and without normalization; None if there is none.

    None also for one that the format cannot hold: a line says why, and the generator is written without it.
    """
    if (network := model.discriminator) is None:
        return None
    default = {**plain(type(network.cfg)()), "normalization": {"use": "none"}, "weight_normalization": None}
    if problem := _not_held(model.options("discriminator"), default, uses, free, known):
        tell(f"{model.path}: the discriminator is left out: it {problem}")
        return None
    return network


def _not_held(
    options: Mapping[str, Any],
    default: Mapping[str, Any],
    uses: set[str],
    free: set[str],
    known: Mapping[str, set[Any]],
) -> str:
    """What a format cannot hold of a network's entry; empty if it can."""
    if options["use"] not in uses:
        return f"has the {options['use']!r} topology; this format holds {', '.join(sorted(uses))}"
    default = _flat(default)
    for name, value in _flat({name: value for name, value in options.items() if name != "use"}).items():
        if not (value in known[name] if name in known else name in free or value == default.get(name)):
            return f"has {name}: {value}, which this format cannot hold"
    return ""


STYLEGAN2 = {"normalization": {"use": "demod", "eps": 1e-8}, "weight_normalization": None}
"""What a network of StyleGAN2 has in its slots."""


def whole_style_biases(model: Model) -> dict[str, Tensor]:
    """The state dict of a style-based generator with the 1 that scales start at in the biases of styles."""
    apart = model.options().get("style_bias") == "around_start"
    state = model.generator.state_dict()
    return {name: value + 1 if apart and name.endswith("affine.bias") else value for name, value in state.items()}


def _flat(options: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in options.items():
        found |= _flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return found
