"""What a run begins with: its data, a trainer at step 0, and first weights from a file.

Of the file `init_from` takes some tensors, leaves others, and freezes parts of the networks.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gancore.artifacts.run import RunFolder
from gancore.artifacts.tensors import load_tensors
from gancore.composition import GAN, compose, experiment_data
from gancore.config import Experiment
from gancore.config.differences import differences
from gancore.config.sections.init_from import InitFrom
from gancore.data import ImageData
from gancore.errors import GancoreError, did_you_mean
from gancore.interop import import_checkpoint
from gancore.interop.inspecting import described
from gancore.training.distribution import Processes
from gancore.training.trainer import Trainer

AVERAGE = {"model": "", "checkpoint": "ema/"}
"""Prefixes of the names of the averaged generator, in a model file and in a checkpoint of ours."""


@dataclass
class Taken:
    """The use of a file. left: tensors of the file that were not taken, and why. fresh: ours that it lacks.

    partial: tensors of which the first entries of one dimension were taken, and which ones.
    other_options: options in which the file's networks differ, which may change the meaning of its weights.
    """

    file: str
    sha256: str
    taken: int = 0
    left: dict[str, str] = field(default_factory=dict)
    fresh: list[str] = field(default_factory=list)
    partial: dict[str, str] = field(default_factory=dict)
    other_options: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def lines(self) -> Iterator[str]:
        """For the log."""
        yield f"init_from: {self.taken} tensors of {self.file}; {len(self.left)} left, {len(self.fresh)} start fresh"
        yield from (f"init_from: {name}: {which}" for name, which in list(self.partial.items())[:5])
        for name, why in list(self.left.items())[:5]:
            yield f"init_from: left {name}: {why}"
        yield from (f"init_from: {line}" for line in self.other_options[:5])
        if max(len(self.left), len(self.partial), len(self.other_options)) > 5:
            yield "init_from: the whole list is in init_from.json of the run folder"


def pinned(experiment: Experiment, folder: RunFolder) -> Experiment:
    """The experiment with the content of the file that it starts from. A run that has begun needs the file no more.

    Raises ConfigError if the file cannot be read, or its hash is not the expected one.
    """
    wanted = experiment.init_from
    if wanted is None:
        return experiment
    try:
        found = wanted.pinned(experiment.home)
    except OSError as error:
        there = folder.read_config().get("init_from") if folder.exists() else None
        if not isinstance(there, dict):
            raise experiment.error("init_from.file", f"{wanted.file}: {error.strerror or error}") from error
        found = wanted.model_copy(update={"file": there.get("file"), "sha256": wanted.sha256 or there.get("sha256")})
    if wanted.sha256 not in (None, found.sha256):
        raise experiment.error("init_from.sha256", f"{found.file} has other content, SHA-256 {found.sha256}")
    return experiment.starting_from(found)


def freeze(gan: GAN, wanted: InitFrom | None) -> None:
    """Excludes parts from training, before optimizers are made. Raises GancoreError for a name that there is not."""
    for name in wanted.freeze if wanted else ():
        network, _, part = name.partition(".")
        known = {"generator": gan.generator, "discriminator": gan.discriminator}
        if network not in known:
            raise GancoreError(f"init_from.freeze: {name!r} is in no network; {did_you_mean(network, known)}")
        parameters = dict(known[network].named_parameters())
        within = [p for key, p in parameters.items() if not part or key == part or key.startswith(f"{part}.")]
        if not within:
            places = {key.rpartition(".")[0] for key in parameters}
            raise GancoreError(f"init_from.freeze: {name!r} has no parameters; {did_you_mean(part, places)}")
        for p in within:
            p.requires_grad_(False)


def start_from(trainer: Trainer, experiment: Experiment) -> Taken:
    """Fills the networks of a trainer at step 0 with the weights of the file. Raises GancoreError where none fits."""
    wanted = experiment.init_from
    assert wanted is not None
    file = Path(wanted.file)
    tensors, options = contents(file)
    found = Taken(wanted.file, wanted.sha256 or "")
    sections = experiment.to_dict()
    for name in wanted.networks:
        theirs = tensors.get(name) or (tensors.get("average") if name == "generator" else None)
        if theirs is None:
            found.left[name] = "the file has none"
            continue
        _fill(trainer.networks[name], theirs, name, found, wanted.partial)
        if name == "generator":
            _fill(trainer.ema, tensors.get("average") or theirs, "average", found, wanted.partial)
        if options.get(name):
            found.other_options += [f"{name}.{each}" for each in differences(options[name], sections[name])]
    if not found.taken:
        raise experiment.error("init_from", f"no tensor of {file} fits: {'; '.join(list(found.lines())[1:4])}")
    return found


def contents(file: Path) -> tuple[dict[str, dict[str, Tensor]], dict[str, Any]]:
    """The tensors of each network in a file, "average", "generator" and "discriminator", and their options.

    Raises RunError or CheckpointError where it cannot be read. No plugin of the file is needed, and none is executed.
    """
    if (own := described(file)) is None:
        imported = import_checkpoint(file)
        return _by_network(imported.tensors(), ""), imported.experiment.to_dict()
    tensors, about = load_tensors(file)
    experiment = about.get("experiment")
    options = experiment if isinstance(experiment, dict) else {}
    return _by_network(tensors, AVERAGE.get(own.get("kind", ""), "")), options


def _by_network(tensors: Mapping[str, Tensor], average: str) -> dict[str, dict[str, Tensor]]:
    prefixes = {"average": average, "generator": "generator/", "discriminator": "discriminator/"}
    found = {
        name: {key.removeprefix(p): t for key, t in tensors.items() if (key.startswith(p) if p else "/" not in key)}
        for name, p in prefixes.items()
    }
    return {name: state for name, state in found.items() if state}


@torch.no_grad()
def _fill(network: nn.Module, theirs: Mapping[str, Tensor], name: str, found: Taken, partial: bool) -> None:
    """Copies what has the same name and shape, and notes the rest. partial: what differs in one dimension, too."""
    ours = network.state_dict()
    for key, value in theirs.items():
        if key not in ours:
            found.left[f"{name}.{key}"] = "no such tensor here"
        elif partial and (other := _other_dimension(ours[key], value)) is not None:
            both = min(ours[key].shape[other], value.shape[other])
            ours[key].narrow(other, 0, both).copy_(value.narrow(other, 0, both))
            have, there = list(ours[key].shape), list(value.shape)
            found.partial[f"{name}.{key}"] = f"{both} of dimension {other} come from {there}, here {have}"
            found.taken += 1
        elif ours[key].shape != value.shape:
            found.left[f"{name}.{key}"] = f"{list(value.shape)}, where {list(ours[key].shape)} is expected"
        else:
            ours[key].copy_(value)
            found.taken += 1
    found.fresh += [f"{name}.{key}" for key in ours if f"{name}.{key}" in found.left or key not in theirs]


def _other_dimension(a: Tensor, b: Tensor) -> int | None:
    """The only dimension in which two shapes differ; None if there is none, or more."""
    differing = [i for i, (m, n) in enumerate(zip(a.shape, b.shape, strict=False)) if m != n]
    return differing[0] if a.ndim == b.ndim and len(differing) == 1 else None


def training_data(experiment: Experiment, processes: Processes | None = None) -> ImageData:
    """The images of an experiment (see `experiment_data`). The first process decodes; the others read its cache."""
    processes = processes or Processes()
    if not processes.first:
        processes.wait()
    try:
        return experiment_data(experiment)
    finally:
        if processes.first:
            processes.wait()


def new_trainer(
    experiment: Experiment, data: ImageData, device: torch.device, processes: Processes | None = None
) -> Trainer:
    """A trainer at step 0."""
    gan = compose(experiment, data.interface)
    freeze(gan, experiment.init_from)
    return Trainer(gan, data, experiment.training, device, processes)
