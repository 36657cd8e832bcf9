"""Whether a run folder may be continued: it must hold the same experiment on the same data with the same code."""

from collections.abc import Iterator, Mapping
from typing import Any

from gancore.artifacts import environment
from gancore.artifacts.environment import Environment
from gancore.artifacts.run import RunFolder
from gancore.config import Experiment
from gancore.config.identity import MAY_CHANGE, Identity, of_training
from gancore.config.load import with_data_format
from gancore.config.yaml.document import find
from gancore.data import ImageData
from gancore.errors import RunError
from gancore.local_plugins import LOCAL, LocalPlugin, same_code, version_of


def as_begun(run: RunFolder, experiment: Experiment) -> Experiment:
    """The experiment with the rules of its run, unless it chooses them itself (`data.format`)."""
    run.check_usable()
    return (
        with_data_format(experiment, find(run.read_config(), ("data", "format")) or 1) if run.exists() else experiment
    )


def check_same_experiment(run: RunFolder, experiment: Experiment) -> None:
    """Raises RunError if a folder is not a run, or its experiment differs in more than MAY_CHANGE."""
    run.check_usable()
    if not run.exists():
        return
    asked, said = _flat(experiment.to_dict()), _flat(experiment.to_dict(omit_later_defaults=True))
    there = {key: asked[key] for key in asked.keys() - said.keys()} | _flat(run.read_config())
    may_change = (*MAY_CHANGE, *experiment.places(), "plugins.")
    keys = [key for key in {**there, **asked} if not key.startswith(may_change)]
    differing = [f"{key}: {_at(there, key)} -> {_at(asked, key)}" for key in keys if there.get(key) != asked.get(key)]
    _refuse(run, "another experiment", differing)
    before = _environment(run).plugins or {}
    changed = [
        f"{plugin}: {before.get(plugin)} -> {LOCAL} {version}"
        for plugin, version in versions_in(run, experiment, before).items()
        if before.get(plugin) != f"{LOCAL} {version}"
    ]
    _refuse(run, "an experiment with another plugin file", changed)


def begun_identity(run: RunFolder, experiment: Experiment, data: Mapping[str, Any]) -> Identity:
    """The identity of the training that a run began with; an edit of comments in a plugin file does not change it."""
    before = _environment(run).plugins or {} if run.exists() else {}
    return of_training(experiment, data, versions_in(run, experiment, before))


def versions_in(run: RunFolder, experiment: Experiment, origins: Mapping[str, str]) -> dict[str, str]:
    """The versions of the local plugins of an experiment's training by "kind.name".

    It is that of `origins` where the run keeps a file of this origin with the same code.
    """
    versions = {}
    for part in experiment.parts():
        if isinstance(spec := part.spec, LocalPlugin) and not part.slot.beside:
            name = f"{part.kind}.{part.use}"
            same = (version for version, copy in _copies(run, origins.get(name)) if same_code(copy, spec.source))
            versions[name] = next(same, spec.version)
    return versions


def _copies(run: RunFolder, origin: str | None) -> Iterator[tuple[str, bytes]]:
    """The plugin files of this origin among the copies that the run keeps, with their version."""
    sources = (path.read_bytes() for path in run.plugins.glob("*.py"))
    versions = ((version_of(source), source) for source in sources)
    return ((version, source) for version, source in versions if f"{LOCAL} {version}" == origin)


def check_same_data(run: RunFolder, data: ImageData) -> None:
    """Raises RunError if the run was trained on other images."""
    if run.exists():
        before, now = _environment(run).data or {}, data.identity.to_dict()
        differing = [key for key in now if before.get(key) != now[key]]
        if differing:
            listed = "; ".join(f"{key}: {_short(before.get(key))} -> {_short(now[key])}" for key in differing)
            raise RunError(
                f"{run}: this folder holds a run on other data (there -> here): {listed}; "
                "choose another folder with --out, or bring the same data to continue it"
            )


def _short(value: Any) -> str:
    """A value in a line of several; a hash by its beginning."""
    return f"{str(value)[:12]}..." if len(str(value)) == 64 else str(value)


def _environment(run: RunFolder) -> Environment:
    """The environment in which the run began. Raises RunError if it is missing or damaged."""
    try:
        found = environment.read(run)
        why = "no `plugins` or no `data`" if found.plugins is None or found.data is None else ""
    except FileNotFoundError:
        why = "no such file"
    except RunError as error:
        why = str(error).removeprefix(f"{run.environment}: ")
    if why:
        raise RunError(f"{run.environment}: missing or damaged ({why}), so this run cannot be continued safely")
    return found


def _refuse(run: RunFolder, what: str, differing: list[str]) -> None:
    if differing:
        listed = "\n".join(f"  {line}" for line in differing)
        raise RunError(
            f"{run}: this folder holds {what} (there -> here):\n{listed}\n"
            "choose another folder with --out, or use the same values to continue it"
        )


def _flat(mapping: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as dotted keys."""
    flat: dict[str, Any] = {}
    for key, value in mapping.items():
        path = f"{prefix}{key}"
        flat |= _flat(value, f"{path}.") if isinstance(value, Mapping) else {path: value}
    return flat


def _at(flat: Mapping[str, Any], key: str) -> str:
    return str(flat.get(key, "-"))
