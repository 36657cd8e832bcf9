"""Loads experiments: from a file or a mapping, with overrides, to an `Experiment` or a `ConfigError`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from gancore.config.experiment import Chosen, ChosenEvaluation, Experiment
from gancore.config.resolve import resolve, resolve_analyses, resolve_evaluation
from gancore.config.yaml.document import Document, find
from gancore.config.yaml.layers import changed, extending, read_experiment
from gancore.discovery import discover
from gancore.registry import Registry
from gancore.trust import is_request

ExperimentLike = Experiment | Path | str | Mapping[str, Any]
"""An experiment in Python: itself, a YAML file, "preset:NAME", or the contents of a file as plain data."""


def as_experiment(source: ExperimentLike) -> Experiment:
    """The experiment that `source` describes. Raises ConfigError."""
    return source if isinstance(source, Experiment) else load_experiment(source)


def load_experiment(
    source: Path | str | Mapping[str, Any],
    overrides: Sequence[str] = (),
    registry: Registry | None = None,
    trusted: bool | None = None,
    base: Path | None = None,
) -> Experiment:
    """Reads, merges and checks an experiment.

    source: a YAML file, "preset:NAME", or the contents of a file as plain data.
    overrides: "key.path=value", the value in YAML; a later one wins.
    registry: the available plugins (default: all installed ones).
    trusted: whether files named in `plugins:` may be executed. None: those that the YAML file, or what it extends,
        names, but not those named by files of run and grid folders; False: none of them. Files that were copied into
        a run of this account may be executed in any case (gancore.trust).
    base: the folder of relative paths (default: that of the file; the working directory for a preset or a mapping).

    Raises ConfigError with all mistakes at once, each "file:line: key: message"; an override's place is
    "-o KEY=VALUE". Nothing is written, and no data are opened.
    """
    if not isinstance(source, Mapping):
        source = Path(source)
    folder = base or (source.parent if isinstance(source, Path) else Path.cwd())
    requested = trusted is not False and (isinstance(source, Mapping) or is_request(source))
    document = read_experiment(source, overrides, folder, requested)
    name = _safe(source.stem) if isinstance(source, Path) else "experiment"
    return resolve(document, registry or discover(), folder, name, trusted=bool(trusted))


def with_changes(experiment: Experiment, changes: Mapping[str, Any], where: str | Mapping[str, str] = "") -> Experiment:
    """The experiment with other values at dotted keys, resolved again from its document, without a grid.

    Options that a change of `use` makes pointless are dropped and listed in `dropped`. `where` names in errors the
    origin of the changes, for all of them or for each key. A value of `extends` is a file that the whole document then
    extends. Raises ConfigError.
    """
    document = experiment.document
    if "extends" in changes:
        place = where if isinstance(where, str) else where.get("extends", "")
        document = extending(document, changes["extends"], place, experiment.home)
    document = changed(document, {key: value for key, value in changes.items() if key != "extends"}, where)
    document = replace(document, data={key: value for key, value in document.data.items() if key != "grid"})
    return resolve(document, experiment.installed, experiment.home, experiment.name, experiment.trusted)


def with_data_format(experiment: Experiment, format: int) -> Experiment:
    """The experiment with the rules of the run that it continues (`data.format`), unless it chooses them itself."""
    if find(experiment.document.data, ("data", "format")) is not None:
        return experiment
    document = changed(experiment.document, {"data.format": format}, "")
    core = experiment.data.core.model_copy(update={"format": format})
    return replace(experiment, document=document, data=replace(experiment.data, core=core))


def load_evaluation(section: Mapping[str, Any], registry: Registry | None = None) -> ChosenEvaluation:
    """An `evaluation:` section without an experiment around it, from plain data. Raises ConfigError."""
    return resolve_evaluation(changed(Document({}, {}), {"evaluation": section}, ""), registry or discover())


def load_analyses(section: Sequence[Any], registry: Registry | None = None) -> list[Chosen]:
    """An `analyses:` section without an experiment around it, from plain data. Raises ConfigError."""
    return resolve_analyses(changed(Document({}, {}), {"analyses": list(section)}, ""), registry or discover())


def _safe(stem: str) -> str:
    """A file's name as the name of a folder."""
    return re.sub(r"[^A-Za-z0-9._+-]+", "-", stem).strip("-.")[:100].lstrip("_+") or "experiment"
