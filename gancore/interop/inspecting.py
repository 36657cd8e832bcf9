"""Describes a file without loading its weights: what it is, what it holds, what its pickles ask for."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from gancore.config.yaml.scalars import dump
from gancore.discovery import discover
from gancore.errors import CheckpointError
from gancore.interop.importing import formats_of, import_checkpoint, open_foreign, recognised, translate
from gancore.interop.networks import Network
from gancore.registry import Registry

About = dict[str, Any]
"""A description of a file, as JSON."""


def inspect(path: str | Path, registry: Registry | None = None) -> About:
    """Returns the format, networks, training state and pickled names of a file, also of gancore's own.

    Raises CheckpointError for a file that cannot be read, or that asks for what no checkpoint needs.
    """
    path, registry = Path(path), registry or discover()
    if (own := described(path)) is not None:
        return _own(path, own)
    formats = formats_of(registry)
    file = open_foreign(path, formats)
    about: About = {
        "file": str(path),
        "bytes": file.size,
        "container": file.container,
        "asks_for": sorted(file.asked),
        "keys": sorted(file.keys)[:50],
        "tensors": len(file.arrays),
    }
    try:
        name, plugin = recognised(file, formats)
    except CheckpointError:
        return {**about, "format": None}
    imported = translate(file, name, plugin, registry)
    snapshot, interface = imported.snapshot, imported.interface
    found = {"generator (averaged)": snapshot.average} | {
        name: network for name in ("generator", "discriminator") if (network := getattr(snapshot, name)) is not None
    }
    return {
        **about,
        "format": name,
        "title": plugin.title,
        "resolution": interface.resolution,
        "channels": interface.channels,
        "label_dim": interface.label_dim,
        "networks": {name: _network(network) for name, network in found.items()},
        "training": snapshot.facts,
        "not_taken_over": snapshot.left,
    }


def experiment_of(path: str | Path, registry: Registry | None = None) -> str:
    """The experiment of a file, as YAML: the one that a file of gancore holds, or what the networks of another make up.

    Raises CheckpointError if there is none.
    """
    path = Path(path)
    if (own := described(path)) is None:
        return import_checkpoint(path, registry).experiment.to_yaml()
    if not isinstance(experiment := own.get("experiment"), dict):
        raise CheckpointError(f"{path}: a {own.get('kind', 'file')} of gancore without an experiment in it")
    return dump(experiment)


def described(path: Path) -> About | None:
    """The description in the header of one of gancore's own files; None for any other."""
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {})["gancore"])
            return about if isinstance(about, dict) else None
    except (OSError, SafetensorError, KeyError, ValueError):
        return None


def lines(about: Mapping[str, Any]) -> Iterator[str]:
    """The same as lines of text."""
    yield f"{about['file']}: {about['container']}, {about['bytes']:,} bytes"
    yield f"format: {about['format'] or 'unknown'}" + (f" ({about['title']})" if about.get("title") else "")
    if "resolution" in about:
        labels = about["label_dim"] or "none"
        yield f"images: {about['resolution']}x{about['resolution']}, {about['channels']} channels; labels: {labels}"
    for name, network in about.get("networks", {}).items():
        stage = f", at {network['stage']}" if network.get("stage") else ""
        yield f"{name}: {network['use']}, {network['parameters']:,} numbers in {network['tensors']} tensors{stage}"
    if about["format"] is None:
        yield f"holds: {about['tensors']} tensors under {', '.join(about['keys'][:8]) or 'no names'}"
    if about.get("training"):
        yield "training: " + ", ".join(f"{name} {value:g}" for name, value in about["training"].items())
    for reason in about.get("not_taken_over", ()):
        yield f"not taken over: {reason}"
    if "asks_for" in about:
        yield f"asks for: {', '.join(about['asks_for']) or 'nothing'}"


def _network(network: Network) -> About:
    sizes = [taken.meta().numel() for taken in network.mapping.values()]
    stage = network.stage and f"{network.stage.resolution}x{network.stage.resolution}, alpha {network.stage.alpha:g}"
    return {"use": network.options["use"], "tensors": len(sizes), "parameters": sum(sizes), "stage": stage}


def _own(path: Path, own: Mapping[str, Any]) -> About:
    """A model or a checkpoint of ours."""
    experiment, interface = own.get("experiment") or {}, own.get("interface") or {}
    with safe_open(path, framework="pt") as file:
        shapes = {name: file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118 (not a mapping)
    networks = {}
    for name in ("generator", "discriminator"):
        within = [key for key in shapes if key.startswith((f"{name}/", f"{name}."))]
        keys = within or ([key for key in shapes if "/" not in key] if name == "generator" else [])
        if keys and isinstance(experiment.get(name), dict):
            numbers = sum(_product(shapes[key]) for key in keys)
            use = experiment[name].get("use")
            networks[name] = {"use": use, "tensors": len(keys), "parameters": numbers, "stage": None}
    about: About = {
        "file": str(path),
        "bytes": path.stat().st_size,
        "container": f"a {own.get('kind', 'file')} of gancore {own.get('gancore', '')}".rstrip(),
        "format": "gancore",
        "networks": networks,
        "training": {key: own[key] for key in ("step", "kimg") if isinstance(own.get(key), int | float)},
        "imported": own.get("imported"),
    }
    if interface:
        about |= {key: interface.get(key) for key in ("resolution", "channels", "label_dim")}
    return about


def _product(shape: list[int]) -> int:
    product = 1
    for size in shape:
        product *= size
    return product
