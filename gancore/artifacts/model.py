"""The model file: the averaged generator and all that is needed to build it again, in one safetensors file."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, fields
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import torch
from pydantic import TypeAdapter, ValidationError
from torch import Tensor, nn

from gancore.artifacts.reading import first_mistake
from gancore.artifacts.run import MODEL, RunFolder
from gancore.artifacts.tensors import description_of, load_tensors, misfits, save_tensors
from gancore.composition import compose_discriminator, compose_generator
from gancore.config import Experiment, load_experiment
from gancore.contracts import Discriminator, Generator, Interface, Stage
from gancore.errors import PluginError, RunError
from gancore.version import __version__

Value = TypeVar("Value")
Network = TypeVar("Network", bound=nn.Module)

EXAMPLES = "labels/examples"
"""The name of the tensor with `Generator.examples`."""


def save_model(path: Path, generator: Generator, experiment: Experiment, about: dict[str, Any]) -> None:
    """Writes the generator with its resolved experiment; `about` describes its training."""
    tensors = generator.state_dict()
    if generator.examples is not None:
        tensors[EXAMPLES] = generator.examples
    if generator.class_names:
        about = {**about, "classes": list(generator.class_names)}
    write_model(path, tensors, experiment, generator.interface, generator.stage, about)


def write_model(
    path: Path,
    tensors: dict[str, Tensor],
    experiment: Experiment,
    interface: Interface,
    stage: Stage | None,
    about: dict[str, Any],
) -> None:
    """Writes a model file from tensors: those of the averaged generator by their names in its state dict.

    Those of other networks have the network's name and a slash before them: `discriminator/b4.out.weight`.
    """
    description = {
        "kind": "model",
        "gancore": __version__,
        "experiment": experiment.to_dict(),
        "interface": asdict(interface),
        "stage": stage and asdict(stage),
        "plugins": experiment.plugin_origins(),
        **about,
    }
    save_tensors(path, tensors, description)


def load(path: str | Path, trust_local_plugins: bool = False) -> Generator:
    """The generator of a run folder or a model file, on the CPU, ready to call.

    G(z [N, z_dim], label=None, truncation_psi=1.0, truncation_cutoff=None, noise_mode="const") -> images [N, C, H, W]
    in nominal [-1, 1]; `gancore.contracts.Generator.forward` says what each means.
    A model of a run that was still growing samples at the stage of its last step, `G.stage`.
    Code copied from an experiment's local plugins is executed only with `trust_local_plugins`.

    Raises:
        RunError: there is no model here, or it is damaged.
        ConfigError, PluginError: a plugin it needs is not installed, or is local and not trusted.
    """
    return load_with_experiment(path, trust_local_plugins)[0]


def load_with_experiment(path: str | Path, trust_local_plugins: bool = False) -> tuple[Generator, Experiment]:
    """The generator and its experiment; see `load`."""
    file, tensors, about = _contents(Path(path))
    described, interface, stage = _description(file, about)
    experiment = load_experiment(described, trusted=trust_local_plugins, base=file.parent)
    own = {name: tensor for name, tensor in tensors.items() if "/" not in name}
    generator = _filled(compose_generator, experiment, interface, own, file)
    generator.stage, generator.examples = stage, _examples(tensors, interface, file)
    generator.class_names = _class_names(about, interface, file)
    return generator.requires_grad_(False), experiment


def load_networks(path: str | Path, trust_local_plugins: bool = False) -> dict[str, Generator | Discriminator]:
    """The other networks that a model file holds, on the CPU: "generator" (not averaged), "discriminator", or neither.

    An imported model has those of its file. Raises as `load` does.
    """
    file, tensors, about = _contents(Path(path))
    described, interface, _ = _description(file, about)
    experiment = load_experiment(described, trusted=trust_local_plugins, base=file.parent)
    found: dict[str, Generator | Discriminator] = {}
    stages = about.get("networks", {})
    if not isinstance(stages, dict) or stages.keys() - {"generator", "discriminator"}:
        raise RunError(f"{file}: not a whole model file: its 'networks' cannot be read")
    for name, stage in stages.items():
        own = {key.removeprefix(f"{name}/"): value for key, value in tensors.items() if key.startswith(f"{name}/")}
        network: Generator | Discriminator
        if name == "generator":
            network = generator = _filled(compose_generator, experiment, interface, own, file)
            generator.stage = _read(file, stages, name, Stage) if stage else None
        else:
            network = _filled(compose_discriminator, experiment, interface, own, file)
        found[name] = network.requires_grad_(False)
    return found


def discriminator_beside(
    path: Path, like: Generator, experiment: Experiment, trust_local_plugins: bool = False
) -> Callable[[], Discriminator] | None:
    """How to get the discriminator of a run folder's newest checkpoint, or of a model file; None if there is none.

    `like` is the averaged generator. The function raises RunError for a checkpoint of other networks.
    """
    checkpoints = RunFolder(path).checkpoints() if path.is_dir() else []
    if checkpoints:
        return cache(lambda: _discriminator_of(checkpoints[0], like, experiment))
    if "discriminator" not in (description_of(path / MODEL if path.is_dir() else path).get("networks") or {}):
        return None

    def of_file() -> Discriminator:
        found = load_networks(path, trust_local_plugins)["discriminator"]
        assert isinstance(found, Discriminator)
        return found

    return cache(of_file)


def _discriminator_of(checkpoint: Path, like: Generator, experiment: Experiment) -> Discriminator:
    tensors, _ = load_tensors(checkpoint)
    network = compose_discriminator(experiment, like.interface)
    own = {key.removeprefix("discriminator/"): v for key, v in tensors.items() if key.startswith("discriminator/")}
    if wrong := list(misfits(network.state_dict(), own)):
        raise RunError(f"{checkpoint}: a checkpoint of another discriminator: {'; '.join(wrong)}")
    network.load_state_dict(own)
    return network


def _contents(path: Path) -> tuple[Path, dict[str, Tensor], dict[str, Any]]:
    """The model file of a path, its tensors and its description. Raises RunError if there is none."""
    file = path / MODEL if path.is_dir() else path
    if not file.is_file():
        raise RunError(f"{path}: no model here; expected a run folder with {MODEL}, or a model file")
    tensors, about = load_tensors(file)
    if about.get("kind") != "model":
        raise RunError(f"{file}: a {about.get('kind', 'file')}, not a model; {_advice(file)}")
    return file, tensors, about


def _filled(
    compose: Callable[[Experiment, Interface], Network],
    experiment: Experiment,
    interface: Interface,
    tensors: dict[str, Tensor],
    file: Path,
) -> Network:
    """A network with a whole state dict. Raises RunError if that is another network's.

    The network is built without memory first, so that a small file cannot ask for a huge one.
    """
    with suppress(PluginError), torch.device("meta"):  # a plugin may need real numbers to be built
        _check_names(compose(experiment, interface), tensors, file)
    network = compose(experiment, interface)
    _check_names(network, tensors, file)
    network.load_state_dict(tensors)
    return network


def _check_names(network: nn.Module, tensors: dict[str, Tensor], file: Path) -> None:
    if wrong := list(misfits(network.state_dict(), tensors)):
        raise RunError(f"{file}: does not hold the weights of its experiment: {'; '.join(wrong)}")


def _examples(tensors: dict[str, Tensor], interface: Interface, file: Path) -> Tensor | None:
    """Labels [M, label_dim] if they are vectors. Raises RunError if they are of another size."""
    examples = tensors.get(EXAMPLES)
    if examples is not None and (examples.ndim != 2 or examples.shape[1] != interface.label_dim or not len(examples)):
        raise RunError(f"{file}: its labels should be [M, {interface.label_dim}], and are {list(examples.shape)}")
    return examples


def _class_names(about: dict[str, Any], interface: Interface, file: Path) -> tuple[str, ...]:
    """Names of the classes, if the file has them. Raises RunError if they are not names, or of another number."""
    names = about.get("classes") or []
    if not isinstance(names, list) or len(names) not in (0, interface.label_dim) or {*map(type, names)} - {str}:
        raise RunError(f"{file}: not a whole model file: its 'classes' should be {interface.label_dim} names")
    return tuple(names)


def _advice(file: Path) -> str:
    """A hint at the model beside a file that is not one."""
    model = RunFolder(file.parent).model
    there = model.is_file() and not model.samefile(file)
    return f"use {model}" if there else f"`gancore train` writes the model of a run to its {MODEL}"


def _description(file: Path, about: dict[str, Any]) -> tuple[dict[str, Any], Interface, Stage | None]:
    """The experiment as plain data, the interface, and the stage of a run that was still growing.

    Raises RunError if the description lacks them.
    """
    for key in ("experiment", "interface"):
        if not isinstance(about.get(key), dict):
            raise RunError(f"{file}: not a whole model file: its description has no {key!r}")
    stage = _read(file, about, "stage", Stage) if about.get("stage") else None
    return about["experiment"], _read(file, about, "interface", Interface), stage


def _read(file: Path, about: dict[str, Any], key: str, form: type[Value]) -> Value:
    """A dataclass of the description. Raises RunError if it has other fields, or values of another type."""
    try:
        known = {field.name for field in fields(form)}  # type: ignore[arg-type]
        if not isinstance(about[key], dict) or about[key].keys() - known:
            raise ValueError(f"expected {', '.join(sorted(known))}")
        return TypeAdapter(form).validate_json(json.dumps(about[key]), strict=True)
    except ValueError as error:
        why = first_mistake(error) if isinstance(error, ValidationError) else error
        raise RunError(f"{file}: not a whole model file: its {key!r} cannot be read: {why}") from error
