"""Makes a model of a foreign file: recognises, translates, compares shapes without memory, writes."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from gancore.artifacts.model import write_model
from gancore.composition import compose_discriminator, compose_generator
from gancore.config import Experiment, load_experiment
from gancore.contracts import Format, Interface
from gancore.discovery import discover
from gancore.errors import CheckpointError, ConfigError, did_you_mean
from gancore.interop.networks import Network, Snapshot, same_interface
from gancore.interop.reading import Foreign, read, telling
from gancore.registry import PluginSpec, Registry

W_AVG_SAMPLES = 10_000
"""Number of latents for the average w of a file that has none."""


@dataclass(frozen=True)
class Imported:
    """A foreign file, translated: a complete experiment, and the networks of the file."""

    file: Foreign
    format: str
    snapshot: Snapshot
    experiment: Experiment

    @property
    def interface(self) -> Interface:
        return self.snapshot.average.interface

    def networks(self) -> Iterator[tuple[str, Network]]:
        """The networks by the prefix of their tensors in the model file; the averaged generator has none."""
        yield "", self.snapshot.average
        for name in ("generator", "discriminator"):
            if (network := getattr(self.snapshot, name)) is not None:
                yield f"{name}/", network

    def networks_by_name(self) -> dict[str, Network]:
        """The same by name: "average", and "generator" and "discriminator" where the file has them."""
        return {prefix.rstrip("/") or "average": network for prefix, network in self.networks()}

    def tensors(self) -> dict[str, Tensor]:
        """All tensors, loaded and converted, in float32. Raises CheckpointError."""
        with telling(self.file.path, f"{self.file.container} that"):
            found = {f"{p}{name}": t.tensor() for p, network in self.networks() for name, t in network.mapping.items()}
            if strange := [name for name, value in found.items() if not bool(value.isfinite().all())]:
                raise CheckpointError(f"has numbers that are not finite, in the tensor that becomes {strange[0]!r}")
        if self.snapshot.estimate_w_avg:
            for prefix, _ in self.networks():
                if prefix != "discriminator/":
                    found[f"{prefix}mapping.w_avg"] = self._estimated_w_avg(found, prefix)
        return found

    def save(self, out: Path) -> None:
        """Writes the model file, whole or not at all. Raises CheckpointError."""
        snapshot = self.snapshot
        stages = {name: network.stage for name, network in self.networks_by_name().items()}
        about = {
            "step": 0,
            "imported": {
                "format": self.format,
                "file": self.file.path.name,
                "container": self.file.container,
                "facts": snapshot.facts,
                "left": snapshot.left,
            },
            "licence": "unknown",
            "networks": {name: stage and asdict(stage) for name, stage in stages.items() if name != "average"},
        }
        write_model(out, self.tensors(), self.experiment, self.interface, snapshot.average.stage, about)

    def _estimated_w_avg(self, tensors: dict[str, Tensor], prefix: str) -> Tensor:
        """The mean of w over random latents, as the project computes it for truncation."""
        generator = compose_generator(self.experiment, self.interface)
        inner = {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
        own = {name: value for name, value in inner.items() if "/" not in name}
        generator.load_state_dict({**own, "mapping.w_avg": torch.zeros(generator.w_dim)})
        draws = torch.Generator().manual_seed(0)
        z = torch.randn(W_AVG_SAMPLES, generator.z_dim, generator=draws)
        label_dim = self.interface.label_dim
        label = F.one_hot(torch.arange(len(z)) % label_dim, label_dim).float() if label_dim else None
        with torch.no_grad():
            return generator.mapping(z, label)[:, 0].mean(dim=0)


def import_checkpoint(path: str | Path, registry: Registry | None = None, format: str | None = None) -> Imported:
    """Reads a checkpoint of another project; no weights are loaded, and nothing of the file is executed.

    format: the only one that is asked whether it recognises the file; None: all of them.
    Raises CheckpointError, one line that says what the file is and what was refused.
    """
    registry = registry or discover()
    formats = formats_of(registry)
    if format is not None and format not in formats:
        raise CheckpointError(f"no format {format!r} that can be read; {did_you_mean(format, formats)}")
    formats = formats if format is None else {format: formats[format]}
    file = open_foreign(path, formats)
    return translate(file, *recognised(file, formats), registry)


def translate(file: Foreign, name: str, plugin: Format, registry: Registry) -> Imported:
    """Translates a file whose format is known. Raises CheckpointError."""
    file = replace(file, companions=tuple(_companions(file, plugin)))
    what = f"{file.container} of {plugin.title or name}, which"
    with telling(file.path, what):
        snapshot = plugin.read(file)
        same_interface(snapshot)
        experiment = _experiment(file, snapshot, registry)
        _check(experiment, snapshot)
    return Imported(file, name, snapshot, experiment)


Formats = dict[str, tuple[PluginSpec, Format]]


def formats_of(registry: Registry) -> Formats:
    """The formats that can be read, by name. Raises PluginError for one that cannot be loaded."""
    found: Formats = {}
    for spec in registry.specs("format"):
        plugin = spec.load()
        if plugin.read is Format.read:
            continue
        with spec.blamed("cannot be made"):
            found[spec.name] = spec, plugin(plugin.Config())
    return found


def open_foreign(path: str | Path, formats: Formats) -> Foreign:
    """The contents of a file, with the classes that any format knows read as records."""
    return read(path, [name for _, plugin in formats.values() for name in plugin.classes])


def recognised(file: Foreign, formats: Formats) -> tuple[str, Format]:
    """The format of a file. Raises CheckpointError, with a summary of the file, if no format recognises it."""
    for name, (spec, plugin) in formats.items():
        with spec.blamed(f"cannot inspect {file.path}"), telling(file.path, f"{file.container} that"):
            if plugin.recognises(file):
                return name, plugin
    keys = ", ".join(sorted(file.keys)[:6])
    there = f"has {len(file.arrays)} tensors" + (f" under {keys}" if keys else "")
    raise CheckpointError(f"{file.path}: {file.container} of no known format; it {there}; known: {', '.join(formats)}")


def _companions(file: Foreign, plugin: Format) -> Iterator[Foreign]:
    """The files beside it that hold its other networks, as far as there are any."""
    for part, others in plugin.companions(file).items():
        if part not in file.path.name:
            continue
        for other in others:
            beside = file.path.with_name(file.path.name.replace(part, other))
            if beside.is_file():
                yield read(beside, plugin.classes)
        return


def _experiment(file: Foreign, snapshot: Snapshot, registry: Registry) -> Experiment:
    """The experiment of the file's networks. Raises CheckpointError if gancore's cannot hold them."""
    average, resolution = snapshot.average, snapshot.average.interface.resolution
    discriminator = snapshot.discriminator
    if discriminator is None:
        snapshot.left.append("discriminator: the file has none; the experiment names a residual one, untrained")
    sections: dict[str, Any] = {
        "data": {"use": "folder", "path": "images", "resolution": resolution},
        "generator": average.options,
        "discriminator": {"use": "residual"} if discriminator is None else discriminator.options,
        "loss": "non_saturating",
        **snapshot.sections,
    }
    _check_plain(sections)
    try:
        return load_experiment(sections, registry=registry)
    except ConfigError as error:
        first = error.problems[0]
        raise CheckpointError(f"does not fit a network of gancore: {first.key}: {first.message}") from error


def _check_plain(value: Any, depth: int = 0) -> None:
    """Raises CheckpointError unless options are numbers, text, and short containers of such."""
    if depth > 6 or (isinstance(value, dict | list) and len(value) > 256):
        raise CheckpointError("has an option that is not a plain value")
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            _check_plain(inner, depth + 1)
    elif not isinstance(value, str | int | float | bool | None) or (isinstance(value, str) and len(value) > 256):
        raise CheckpointError("has an option that is not a plain value")


def _check(experiment: Experiment, snapshot: Snapshot) -> None:
    """Raises CheckpointError unless all tensors fit; networks are made on the meta device, without memory."""
    average = snapshot.average
    with torch.device("meta"):
        generator = compose_generator(experiment, average.interface)
        expected = {"average": generator.state_dict(), "generator": generator.state_dict()}
        if snapshot.discriminator is not None:
            discriminator = compose_discriminator(experiment, average.interface)
            expected["discriminator"] = discriminator.state_dict()
    for name, tensors in expected.items():
        network: Network | None = getattr(snapshot, name)
        if network is None:
            continue
        missing = tensors.keys() - network.mapping.keys()
        if name != "discriminator" and snapshot.estimate_w_avg:
            missing -= {"mapping.w_avg"}
        if missing:
            raise CheckpointError(
                f"lacks {len(missing)} tensors of the {name}; the first, in gancore's names: {min(missing)!r}"
            )
        if unknown := network.mapping.keys() - tensors.keys():
            raise CheckpointError(f"has {len(unknown)} tensors too many for the {name}; the first: {min(unknown)!r}")
        for key, tensor in tensors.items():
            if key in network.mapping and network.mapping[key].meta().shape != tensor.shape:
                found = list(network.mapping[key].shape)
                raise CheckpointError(f"has {key!r} of the {name} as {found}, where {list(tensor.shape)} is expected")
