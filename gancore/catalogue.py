"""Reads a catalogue of plugins from a YAML file: kind -> name -> target, summary, paper.

    normalization:
      pin: {target: "normalization.pin:PIN", summary: "one line", paper: "arXiv:2103.01090"}

Strict: every mistake is reported with file and line. It costs its own entry, not the others.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from gancore.errors import PluginError, did_you_mean
from gancore.kinds import KINDS
from gancore.registry import PluginSpec

FIELDS = ("target", "summary", "paper")
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class CatalogueError(PluginError):
    """Some entries of a catalogue are wrong: `mistakes`, each with file and line. `specs` are the other plugins."""

    def __init__(self, mistakes: Sequence[PluginError], specs: Sequence[PluginSpec]) -> None:
        super().__init__("\n".join(map(str, mistakes)))
        self.mistakes, self.specs = mistakes, specs


def read_catalogue(path: Path, package: str = "") -> list[PluginSpec]:
    """The plugins that a catalogue lists; targets are relative to `package` when it is given.

    Raises PluginError for a file that cannot be read, and CatalogueError if kinds, names or fields are wrong; it holds
    the plugins of all other entries, which discovery still offers.
    """
    try:
        root = yaml.compose(path.read_text("utf-8"), Loader=Loader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as cause:
        raise PluginError(f"{path}: cannot be read: {cause}") from cause
    if root is None:
        return []
    mistakes: list[PluginError] = []
    specs: list[PluginSpec] = []
    for kind, names in _entries(path, root, mistakes):
        if kind.value not in KINDS:
            mistakes.append(_mistake(path, kind, f"unknown kind {kind.value!r}; {did_you_mean(kind.value, KINDS)}"))
            continue
        for name, fields in _entries(path, names, mistakes):
            try:
                specs.append(_spec(path, package, kind.value, name, fields))
            except PluginError as mistake:
                mistakes.append(mistake)
    if mistakes:
        raise CatalogueError(mistakes, specs)
    return specs


def _spec(path: Path, package: str, kind: str, name: yaml.ScalarNode, fields: yaml.Node) -> PluginSpec:
    mistakes: list[PluginError] = []
    texts = {key.value: _text(path, key, node) for key, node in _entries(path, fields, mistakes)}
    if mistakes:
        raise mistakes[0]
    if missing := [field for field in FIELDS[:2] if not texts.get(field)]:
        raise _mistake(path, name, f"{kind} {name.value!r} needs: {', '.join(missing)}")
    target = f"{package}.{texts['target']}" if package else texts["target"]
    try:
        return PluginSpec(kind, name.value, target, texts["summary"], texts.get("paper", ""))
    except PluginError as error:
        raise _mistake(path, name, str(error)) from None


def _text(path: Path, key: yaml.ScalarNode, node: yaml.Node) -> str:
    if key.value not in FIELDS:
        raise _mistake(path, key, f"unknown field {key.value!r}; {did_you_mean(key.value, FIELDS)}")
    if not isinstance(node, yaml.ScalarNode):
        raise _mistake(path, node, f"{key.value} should be a text")
    return str(node.value)


def _entries(path: Path, node: yaml.Node, mistakes: list[PluginError]) -> Iterator[tuple[yaml.ScalarNode, yaml.Node]]:
    """The sound entries of a mapping. Other nodes, and keys that are repeated, are added to the mistakes."""
    if not isinstance(node, yaml.MappingNode):
        mistakes.append(_mistake(path, node, "should be a mapping: kind -> name -> target, summary, paper"))
        return
    seen = set()
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            mistakes.append(_mistake(path, key, "a key should be a text"))
        elif key.value in seen:
            mistakes.append(_mistake(path, key, f"{key.value!r} is listed twice"))
        else:
            seen.add(key.value)
            yield key, value


def _mistake(path: Path, node: yaml.Node, message: str) -> PluginError:
    return PluginError(f"{path}:{node.start_mark.line + 1}: {message}")
