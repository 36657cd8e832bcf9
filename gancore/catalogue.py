"""Reads a catalogue of plugins from a YAML file: kind -> name -> target, summary, paper.

    normalization:
      pin: {target: "normalization.pin:PIN", summary: "one line", paper: "arXiv:2103.01090"}

Strict: every mistake is a PluginError with file and line.
"""

from collections.abc import Iterator
from pathlib import Path

import yaml

from gancore.errors import PluginError, did_you_mean
from gancore.registry import PluginSpec

FIELDS = ("target", "summary", "paper")
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_catalogue(path: Path, package: str = "") -> list[PluginSpec]:
    """The plugins that a catalogue lists; targets are relative to `package` when it is given.

    Raises PluginError for a file that cannot be read or whose form, kinds, names or fields are wrong.
    """
    try:
        root = yaml.compose(path.read_text("utf-8"), Loader=Loader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as cause:
        raise PluginError(f"{path}: cannot be read: {cause}") from cause
    if root is None:
        return []
    return [
        _spec(path, package, kind.value, name, fields)
        for kind, names in _entries(path, root)
        for name, fields in _entries(path, names)
    ]


def _spec(path: Path, package: str, kind: str, name: yaml.ScalarNode, fields: yaml.Node) -> PluginSpec:
    texts = {key.value: _text(path, key, node) for key, node in _entries(path, fields)}
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


def _entries(path: Path, node: yaml.Node) -> Iterator[tuple[yaml.ScalarNode, yaml.Node]]:
    """The entries of a mapping; refuses other nodes and repeated keys, of which YAML would keep the last."""
    if not isinstance(node, yaml.MappingNode):
        raise _mistake(path, node, "should be a mapping: kind -> name -> target, summary, paper")
    seen = set()
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise _mistake(path, key, "a key should be a text")
        if key.value in seen:
            raise _mistake(path, key, f"{key.value!r} is listed twice")
        seen.add(key.value)
        yield key, value


def _mistake(path: Path, node: yaml.Node, message: str) -> PluginError:
    return PluginError(f"{path}:{node.start_mark.line + 1}: {message}")
