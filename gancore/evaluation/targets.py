"""Finds the targets of an evaluation: a run, a model file, images; and the real images."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from gancore.artifacts.model import load_with_experiment
from gancore.artifacts.run import MODEL
from gancore.composition import experiment_data
from gancore.config import Experiment, with_changes
from gancore.config.sections.data import DataKeys
from gancore.contracts import Generator
from gancore.data import ImageData
from gancore.data.labels import LabelRows
from gancore.data.rejected import Unusable
from gancore.data.sources import DataSource, find_source, moved
from gancore.discovery import discover
from gancore.errors import DataError, GancoreError
from gancore.evaluation.fakes import Fakes, Generated, Given


@dataclass(frozen=True)
class Target:
    """A target: a generator with its experiment, or images."""

    generator: Generator | None = None
    experiment: Experiment | None = None
    images: ImageData | None = None

    def fakes(
        self, reals: ImageData | None, device: torch.device, batch: int, draws: Literal["host", "device"] = "host"
    ) -> Fakes:
        """The generated side; its labels are drawn from those of the real images if they have the model's classes."""
        if self.images is not None:
            return Given(self.images, batch)
        assert self.generator is not None
        return Generated(self.generator.to(device), label_rows(self.generator, reals), batch, draws)


def find_target(path: Path, trust: bool = False, fit: str | None = None) -> Target:
    """The target at a path. Raises GancoreError if there is none."""
    if (path / MODEL).is_file() or path.suffix == ".safetensors":
        generator, experiment = load_with_experiment(path, trust)
        return Target(generator, experiment)
    if (path / "config.yaml").is_file():
        raise GancoreError(f"{path}: a run without a model yet; train it further")
    if not path.exists():
        raise GancoreError(f"{path}: no such run, model, or folder of images")
    return Target(images=_opened(find_source(path, trusted=trust or None).changed(fit=fit, labels=False)))


def find_reals(
    named: Path | None, target: Target, fit: str | None = None, trust: bool = False, place: Path | None = None
) -> ImageData | None:
    """The real images: those named (a folder, an archive, an experiment, a dataset plugin), or a run's own.

    place: that of a run's own data on this machine, if they have moved.
    They must have the size of the target; raises DataError if they do not and there is no `fit`.
    """
    if named is None:
        if (experiment := target.experiment) is None:
            return None
        if place is not None:
            experiment = with_changes(experiment, moved(experiment, place), "--data")
        return experiment_data(experiment)
    found = _source(named, trust).changed(fit=fit, **_form(target))
    try:
        return _opened(found)
    except DataError as error:
        raise DataError(f"{named}: {error}") from error


def label_rows(generator: Generator, reals: ImageData | None) -> LabelRows | None:
    """Labels to draw from; None if the real images have other classes than the model, or none."""
    rows = None if reals is None else reals.label_rows
    if rows is None or rows.label_dim != generator.interface.label_dim:
        return None
    return rows if rows.are_vectors == (generator.examples is not None) else None


def _opened(source: DataSource) -> ImageData:
    """The images; errors about unusable ones name options of `gancore.evaluate`."""
    try:
        return source.open()
    except Unusable as error:
        raise DataError(f"{error.found}\n--fit resize, crop or pad makes images of another size fit") from error


def _source(named: Path, trust: bool) -> DataSource:
    registry = discover()
    name = str(named)
    if named.exists() or ("dataset", name) not in registry.plugins:
        return find_source(named, trusted=trust or None)
    plugin = registry.get("dataset", name).load()
    return DataSource(name, plugin(plugin.Config(), Path.cwd()), DataKeys(resolution=plugin.default_resolution))


def _form(target: Target) -> dict[str, Any]:
    """Size and channels that the real images must have."""
    if target.generator is not None:
        interface = target.generator.interface
        return {"resolution": interface.resolution, "channels": interface.channels}
    assert target.images is not None
    return {"resolution": target.images.identity.resolution}
