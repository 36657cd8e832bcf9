"""A data set by its path: an experiment's file, or a bare file or folder that some plugin can read."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gancore.config import Experiment, load_experiment
from gancore.config.sections.data import DataKeys
from gancore.contracts import Dataset, Item
from gancore.data.formats import is_image
from gancore.data.images import ImageData
from gancore.data.layout import layout
from gancore.data.opening import open_data
from gancore.data.paths import files_below
from gancore.data.plan import NoLabels, classes_of, items_of
from gancore.data.reading import Survey, survey
from gancore.discovery import discover
from gancore.errors import DataError, PluginError
from gancore.options import places_of
from gancore.presets import is_preset

EXPERIMENTS = (".yaml", ".yml")


@dataclass(frozen=True)
class DataSource:
    """A dataset plugin ready to be opened; `name` is what it is called in experiments.

    headers: those of all images, if they have been read already.
    no_labels: why there are no labels, where there might have been some.
    """

    name: str
    dataset: Dataset
    keys: DataKeys
    headers: Survey | None = None
    no_labels: str = ""

    def changed(self, **keys: Any) -> "DataSource":
        """The same source with other keys; those that are None stay."""
        chosen = {key: value for key, value in keys.items() if value is not None}
        return replace(self, keys=self.keys.model_copy(update=chosen))

    def with_labels(self) -> "DataSource":
        """The same source, with labels where every image has one that can be used."""
        try:
            classes_of(self.dataset, self.items(), self.keys)
        except NoLabels:
            return self.changed(labels=False)
        except DataError as error:
            return replace(self.changed(labels=False), no_labels=str(error))
        return self.changed(labels=True)

    def items(self) -> Sequence[Item]:
        """All images, before they are decoded."""
        return items_of(self.dataset, self.keys)

    def survey(self) -> Survey:
        """What the headers of all images say."""
        return self.headers or survey(self.items())

    def open(self) -> ImageData:
        """All images; raises DataError."""
        return open_data(self.dataset, self.keys, name=self.name)


def find_source(path: Path, overrides: Sequence[str] = (), trusted: bool | None = None) -> DataSource:
    """What `path` names; overrides and trust are for experiments. Raises ConfigError, DataError, PluginError."""
    if path.suffix.lower() in EXPERIMENTS or is_preset(str(path)):
        experiment = load_experiment(path, overrides, trusted=trusted)
        part = experiment.data
        with part.spec.blamed("cannot be built"):
            return DataSource(part.use, part.plugin(part.cfg, experiment.base), part.core)
    if overrides:
        raise DataError(f"{path}: only an experiment has keys to override")
    if not os.path.exists(path):  # unlike Path.exists, it takes what cannot be a path at all
        raise DataError(f"{path}: no such file or folder")
    return _bare(path)


def moved(experiment: Experiment, path: Path) -> dict[str, Any]:
    """What to change in an experiment whose data are at `path` on this machine: dotted keys with their values.

    Raises DataError where no dataset plugin reads what is there.
    """
    if not os.path.exists(path):
        raise DataError(f"{path}: no such file or folder")
    part, places = experiment.data, places_of(type(experiment.data.cfg))
    options = part.plugin.options_for(path)
    asked = getattr(part.plugin.options_for, "__func__", None) is not vars(Dataset)["options_for"].__func__
    if len(places) == 1 and not asked:  # it finds its files itself
        options = {places[0]: str(path.resolve())}
    if options is not None:
        return {f"data.{name}": value for name, value in (dict.fromkeys(places) | dict(options)).items()}
    other = _bare(path)
    chosen = {name: value for name, value in other.dataset.cfg.model_dump().items() if value is not None}
    return {"data.use": other.name, **{f"data.{name}": value for name, value in chosen.items()}}


def _bare(path: Path) -> DataSource:
    """The first plugin that can read a file or folder; images keep their size, channels and labels."""
    broken = []
    for spec in discover().specs("dataset"):
        try:
            plugin = spec.load()
        except PluginError as error:
            broken.append(f"\n{error}")
            continue
        if (options := plugin.options_for(path)) is not None:
            dataset = plugin(plugin.Config.model_validate(options), Path())
            headers = survey(items_of(dataset, DataKeys()))
            (width, height), channels = headers.most_common or ((0, 1), 3)
            several = headers.channels()
            keys = DataKeys(channels=channels if len(several) < 2 else 3 if max(several) > 2 else 1)
            source = DataSource(spec.name, dataset, keys, headers).changed(
                resolution=width if width == height else None
            )
            return source.with_labels()
    raise DataError(f"{path}: no images are found here that a dataset plugin reads{_lies_at(path)}{''.join(broken)}")


def _lies_at(path: Path) -> str:
    """What there is instead."""
    if not path.is_dir():
        return "; an experiment (.yaml) can say how"
    below = files_below(path)
    found = layout([name for name in below.names if not is_image(name)], lambda name: b"{}").passed_over
    return f"; there are {', '.join(map(str, found))}" if found else "; it is empty"
