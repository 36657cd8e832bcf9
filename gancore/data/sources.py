"""A data set from what a person names: an experiment's file, or a bare file or folder that some plugin can read."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gancore.config import load_experiment
from gancore.config.sections.data import DataKeys
from gancore.contracts import Dataset
from gancore.data.images import ImageData
from gancore.data.opening import items_of, open_data
from gancore.data.reading import survey
from gancore.discovery import discover
from gancore.errors import DataError, PluginError
from gancore.presets import is_preset

EXPERIMENTS = (".yaml", ".yml")


@dataclass(frozen=True)
class Source:
    """A dataset plugin ready to be opened; `name` is what it is called in experiments."""

    name: str
    dataset: Dataset
    keys: DataKeys

    def changed(self, **keys: Any) -> "Source":
        """The same source with other keys; those that are None stay."""
        chosen = {key: value for key, value in keys.items() if value is not None}
        return replace(self, keys=self.keys.model_copy(update=chosen))

    def with_labels(self) -> "Source":
        """The same source, with labels where every image has one."""
        return self.changed(labels=all(item.label is not None for item in items_of(self.dataset)))

    def open(self) -> ImageData:
        """All images; raises DataError."""
        return open_data(self.dataset, self.keys, name=self.name)


def find_source(path: Path, overrides: Sequence[str] = (), trusted: bool | None = None) -> Source:
    """What `path` names; overrides and trust are for experiments. Raises ConfigError, DataError, PluginError."""
    if path.suffix.lower() in EXPERIMENTS or is_preset(str(path)):
        experiment = load_experiment(path, overrides, trusted=trusted)
        part = experiment.data
        with part.spec.blamed("cannot be built"):
            return Source(part.use, part.plugin(part.cfg, experiment.base), part.core)
    if overrides:
        raise DataError(f"{path}: only an experiment has keys to override")
    if not os.path.exists(path):  # unlike Path.exists, it takes what cannot be a path at all
        raise DataError(f"{path}: no such file or folder")
    return _bare(path)


def _bare(path: Path) -> Source:
    """The first plugin that can read a file or folder; images keep their channels and labels."""
    for spec in discover().specs("dataset"):
        try:
            plugin = spec.load()
        except PluginError:
            continue  # `gancore plugins list` tells of it
        if (options := plugin.options_for(path)) is not None:
            dataset = plugin(plugin.Config.model_validate(options), Path())
            found = survey(items_of(dataset))
            keys = DataKeys(channels=found[1] if found else 3)
            return Source(spec.name, dataset, keys).with_labels()
    raise DataError(f"{path}: no images are found here that a dataset plugin reads; an experiment (.yaml) can say how")
