"""Writes a new plugin: a working file, and the YAML lines that use it."""

import keyword
import re
from importlib.resources import files
from pathlib import Path

from gancore.discovery import discover
from gancore.errors import PluginError
from gancore.registry import PluginSpec

USES = {
    "normalization": "generator: {{use: skip, normalization: {name}}}",
    "weight_normalization": "discriminator: {{use: residual, weight_normalization: {name}}}",
    "generator": "generator: {{use: {name}, normalization: none}}",
    "discriminator": "discriminator: {name}",
    "regularizer": "regularizers: {{{name}: {{}}}}",
    "loss": "loss: {name}",
    "augmentation": "augmentation: {name}",
    "latent": "latent: {name}",
    "optimizer": "training: {{optimizer: {name}}}",
    "dataset": "data: {{use: {name}, resolution: 32}}",
    "metric": "evaluation: {{features: embedded, metrics: [{name}]}}",
    "analysis": "analyses: [{name}]",
    "observer": "observers: [{name}]",
    "feature": "evaluation: {{features: {name}, metrics: [fd]}}",
}
"""Skeletons of plugins that an experiment names, with the line that does."""

COMMANDS = {"format": "gancore import FILE --format {file}:{cls}"}
"""Skeletons of plugins that a command names, with that command."""

PLUGIN_KINDS = {"weight_normalization": "normalization"}
"""Skeletons whose plugins are of a kind with another name."""


def kind_of(skeleton: str) -> str:
    """The kind of plugin that a skeleton makes."""
    return PLUGIN_KINDS.get(skeleton, skeleton)


def skeleton(kind: str, name: str) -> str:
    """The code of a new plugin. Raises PluginError if the name is wrong or taken."""
    discover().with_local([PluginSpec(kind_of(kind), name, "any.module:Name")])
    if keyword.iskeyword(class_name(name)):
        raise PluginError(f"{name!r}: its class would be {class_name(name)}, a Python keyword; choose another")
    return _renamed((files("gancore.cli.skeletons") / f"{kind}.py").read_text("utf-8"), name)


def write_skeleton(kind: str, name: str, folder: Path) -> Path:
    """Writes folder/name.py. Raises PluginError if the name is wrong or taken, or the file exists."""
    code, path = skeleton(kind, name), folder / f"{name}.py"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(code)
    except FileExistsError:
        raise PluginError(f"{path} exists already; choose another name or folder") from None
    except OSError as error:
        raise PluginError(f"{path} cannot be written: {error.strerror}") from error
    return path


def _renamed(code: str, name: str) -> str:
    for before, after in (("`skeleton`", f"`{name}`"), ('"skeleton"', f'"{name}"'), ("Skeleton", class_name(name))):
        code = code.replace(before, after)
    return code


def usage(kind: str, name: str, file: Path) -> str:
    """The command, or the lines of an experiment beside the file, that use the plugin."""
    if kind in COMMANDS:
        return COMMANDS[kind].format(file=file, cls=class_name(name))
    section = f"plugins: {{{kind_of(kind)}: {{{name}: ./{file.name}:{class_name(name)}}}}}"
    return f"{section}\n{USES[kind].format(name=name)}"


def class_name(name: str) -> str:
    """spectral_like -> SpectralLike."""
    return "".join(word[:1].upper() + word[1:] for word in re.split("_+", name))
