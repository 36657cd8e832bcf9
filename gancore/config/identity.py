"""What identifies an experiment: one rule for the cells of a grid, and for runs, their checkpoints and models."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from gancore.config.differences import differences
from gancore.config.experiment import Experiment

MAY_CHANGE = (
    "name",
    "data.format",
    "data.decode",
    "init_from.file",
    "training.kimg",
    "training.device",
    "training.microbatch",
    "training.compile",
    "training.cuda_graphs",
    "training.deterministic",
    "training.recompute",
    "training.log_kimg",
    "training.sample_kimg",
    "training.checkpoint_kimg",
    "training.keep_checkpoints",
    "training.keep_samples",
    "training.on_divergence",
    "evaluation",
    "analyses",
    "observers",
)
"""Keys (and what is below them) that may differ when a run is continued, beside those that say where its data lie
(`Experiment.places`; the identity of the data is compared). Some of them change bits: device, microbatch, compile, CUDA
graphs."""


@dataclass(frozen=True)
class Identity:
    """What identifies an experiment, as plain data: its keys, the content of its data and of its local plugin files."""

    described: dict[str, Any]

    @property
    def short(self) -> str:
        """16 hex digits of the hash of all of it."""
        return hashlib.sha256(json.dumps(self.described, sort_keys=True).encode()).hexdigest()[:16]

    def to_dict(self) -> dict[str, Any]:
        """For the description of a checkpoint, whose identity `differences` compares."""
        return {"identity": self.short, "fixed": self.described}

    def differences(self, about: Mapping[str, Any]) -> list[str]:
        """How this identity differs from that of a description, "training.batch: 8 -> 16" (there -> here).

        None where the description has no identity, which earlier versions did not write.
        """
        there = about.get("identity")
        if there in (None, self.short):
            return []
        found = differences(about.get("fixed") or {}, json.loads(json.dumps(self.described)))
        return [str(each) for each in found] or [f"identity: {there} -> {self.short}"]


def of_result(experiment: Experiment, data: Mapping[str, Any]) -> Identity:
    """Everything that the result depends on: cells of a grid are the same if it is equal.

    data: the identity of the images; it replaces the `data:` section, wherever the files are.
    """
    return _without(experiment, data, ("name", "training.device"))


def of_training(experiment: Experiment, data: Mapping[str, Any], plugins: Mapping[str, str]) -> Identity:
    """What does not change while a run is continued: a checkpoint belongs to a run if it is equal.

    plugins: the versions of the local plugins that the run began with, by "kind.name".
    """
    found = _without(replace(experiment, evaluation=None), data, MAY_CHANGE)
    return Identity({**found.described, "plugins": {**found.described["plugins"], **plugins}})


def _without(experiment: Experiment, data: Mapping[str, Any], keys: tuple[str, ...]) -> Identity:
    described = {**experiment.identity(), "data": dict(data)}
    for key in keys:
        if not key.startswith("data."):
            _remove(described, key.split("."))
    return Identity(described)


def _remove(mapping: dict[str, Any], keys: list[str]) -> None:
    for key in keys[:-1]:
        mapping = mapping.get(key) or {}
    mapping.pop(keys[-1], None)
