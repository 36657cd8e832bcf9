"""From a file, the files it extends, and the overrides of the command line to one document."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from gancore.config.messages import show
from gancore.config.slots import named
from gancore.config.yaml.document import Document, Keys, Origin, dotted, find, nested, ways
from gancore.config.yaml.reader import MAX_DEPTH, from_mapping, instead, parse, read
from gancore.errors import ConfigError, GancoreError, Problem
from gancore.presets import is_preset, preset_file
from gancore.trust import is_request

MAX_FILES = 32
"""Files that may extend each other in a row."""

AXES = "grid.axes."


def read_experiment(
    source: Path | Mapping[str, Any], overrides: Sequence[str], base: Path, requested: bool
) -> Document:
    """The merged document: the file over the files it extends, then the overrides; later ones win.

    `base` is the folder of relative paths; `requested` says whether the user named this source, and not a folder or a
    model that contains it. Raises ConfigError.
    """
    top = read(source) if isinstance(source, Path) else from_mapping(source)
    chain = [source.resolve()] if isinstance(source, Path) else []
    unrequested = [] if requested else [str(source) if isinstance(source, Path) else ""]
    document = _extended(replace(named(top), unrequested=frozenset(unrequested)), base, base, chain)
    given = Document({}, {})
    for override in _all(overrides):
        given = merged(given, override)
    if not requested:  # paths in overrides are relative to that folder
        given = replace(given, unrequested=frozenset(given.places.values()))
    given.stale.clear()  # all overrides of a command line are written at once
    return merged(document, given) if overrides else document


def extending(document: Document, file: Any, where: str, folder: Path) -> Document:
    """The document as if it, or the last file that it extends, extended `file` (relative to `folder`).

    `where` names in errors the origin of the change. Raises ConfigError.
    """
    asked = replace(document, data={**document.data, "extends": file}, places={**document.places, ("extends",): where})
    return _extended(asked, folder, folder, [])


def changed(document: Document, changes: Mapping[str, Any], where: str | Mapping[str, str]) -> Document:
    """The document with other values at dotted keys; `where` names in errors the origin of each change."""
    for keys, value in changes.items():
        written = named(from_mapping(nested(_way(keys), value)))
        place = where if isinstance(where, str) else where.get(keys, "")
        document = merged(document, Document(written.data, dict.fromkeys(written.places, place)))
    return document


def _all(overrides: Sequence[str]) -> list[Document]:
    """The overrides as documents; raises ConfigError with the mistakes of all of them."""
    documents, problems = [], []
    for override in overrides:
        try:
            documents.append(_override(override))
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)
    return documents


def _override(override: str) -> Document:
    """The document of an override `key.path=value`."""
    where = f"-o {override if len(override) <= 80 else override[:77] + '...'}"
    path, equals, text = override.partition("=")
    keys = _way(path.strip())
    if not (equals and all(keys)):
        raise ConfigError([Problem(where, "", "an override is KEY=VALUE, for example training.kimg=100")])
    if len(keys) > MAX_DEPTH:
        raise ConfigError([Problem(where, "", f"a key of more than {MAX_DEPTH} parts; no key is that long")])
    if not text.strip():
        raise ConfigError([Problem(where, dotted(keys), "no value; write {} for defaults, null for nothing")])
    if keys[0] == "extends":
        raise ConfigError([Problem(where, "extends", "cannot be overridden; choose another file instead")])
    data = nested(keys, _value(text, where, keys))
    return named(Document(data, dict.fromkeys(ways(data), where)))


def _value(text: str, where: str, keys: Keys) -> Any:
    try:
        return parse(text, where, lines=False).data
    except ConfigError as error:
        raise ConfigError(
            [
                Problem(where, dotted(keys) + (problem.key and f".{problem.key}"), problem.message)
                for problem in error.problems
            ]
        ) from None


def _way(path: str) -> Keys:
    """The keys of a dotted path; axes of a grid are dotted paths themselves."""
    if path.startswith(AXES) and path != AXES:
        return ("grid", "axes", path.removeprefix(AXES))
    return tuple(path.split("."))


def _extended(document: Document, folder: Path, base: Path, chain: list[Path]) -> Document:
    """The document over the file it extends, that one over the next, and so on. `name` is not inherited."""
    extends = find(document.data, ("extends",))
    if extends is None:
        return document
    where = document.where(("extends",))
    if not isinstance(extends, str):
        message = "expected the path of a YAML file, relative to this one, or preset:NAME"
        raise ConfigError([Problem(where, "extends", message)])
    path = _extended_file(extends, where, folder)
    if len(chain) == MAX_FILES:
        raise ConfigError([Problem(where, "extends", f"more than {MAX_FILES} files extend each other in a row")])
    if path.resolve() in chain:
        circle = " -> ".join(file.name for file in [*chain, path.resolve()])
        raise ConfigError([Problem(where, "extends", f"files extend each other in a circle: {circle}")])
    parent = named(read(path))
    if not (document.is_request(where) and is_request(path)):
        parent = replace(parent, unrequested=frozenset([str(path)]))
    if not isinstance(parent.data, dict):
        message = f"{path} is not an experiment; expected a mapping of sections, got {show(parent.data)}"
        raise ConfigError([Problem(where, "extends", message)])
    parent = _extended(_seen_from(base, parent, path.parent), path.parent, base, [*chain, path.resolve()])
    inherited = {key: value for key, value in parent.data.items() if key not in ("name", "extends")}
    return merged(replace(parent, data=inherited), document)


def _extended_file(extends: str, where: str, folder: Path) -> Path:
    """The file, or the preset, that a document extends."""
    if is_preset(extends):
        try:
            preset_file(extends)
        except GancoreError as error:
            raise ConfigError([Problem(where, "extends", str(error))]) from None
        return Path(extends)
    path = folder / extends
    if not os.path.isfile(path):  # unlike Path.is_file, it takes what cannot be a path at all
        printable = extends.isprintable() and len(extends) <= 255
        shown = f"{path}{instead(path)}" if printable else show(extends)
        raise ConfigError([Problem(where, "extends", f"there is no file {shown}")])
    return path


def _seen_from(base: Path, document: Document, folder: Path) -> Document:
    """The document of a file in `folder`, with the paths of its plugin files relative to `base`."""
    plugins = document.data.get("plugins")
    if folder.resolve() == base.resolve() or not isinstance(plugins, dict):
        return document
    there = os.path.relpath(folder, base)
    return replace(document, data=document.data | {"plugins": {k: _moved(v, there) for k, v in plugins.items()}})


def _moved(files: Any, there: str) -> Any:
    if not isinstance(files, dict):
        return files
    return {
        name: os.path.normpath(f"{there}/{file}") if isinstance(file, str) else file for name, file in files.items()
    }


def merged(base: Document, over: Document) -> Document:
    """`over` on top of `base`: mappings are merged, everything else (lists, schedules) is replaced.

    If `over` changes the `use` of a mapping, the remaining options of `base` there become stale.
    """
    switched: dict[Keys, Origin] = {}
    data = _merge(base.data, over.data, (), switched)
    places = {keys: over.places.get(keys, base.places.get(keys, "")) for keys in ways(data)}
    old = [keys for keys in places if keys not in over.places]
    stale = {}
    for keys in old if switched else ():
        around = (switched.get(keys[:end]) for end in range(len(keys), -1, -1))
        if (innermost := next(filter(None, around), None)) is not None:
            stale[keys] = innermost
    earlier = {keys: base.stale[keys] for keys in old if keys in base.stale}
    return Document(data, places, stale | earlier | over.stale, base.unrequested | over.unrequested)


def _merge(base: Any, over: Any, keys: Keys, switched: dict[Keys, Origin]) -> Any:
    """`switched` gets the parts whose `use` changes."""
    if not (isinstance(base, dict) and isinstance(over, dict)) or "schedule" in over:
        return over
    if "use" in over and over["use"] != base.get("use"):
        switched[keys] = Origin(keys, base.get("use"))
    both = {key: _merge(base[key], over[key], (*keys, key), switched) for key in base if key in over}
    return {**base, **both, **{key: value for key, value in over.items() if key not in base}}
