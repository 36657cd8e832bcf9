"""Writes a distribution around a new plugin: `gancore plugins new KIND NAME --package`."""

import keyword
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from string import Template

from gancore.cli.plugin_skeletons import class_name, kind_of, skeleton
from gancore.config.yaml.scalars import dump
from gancore.errors import PluginError
from gancore.grid.comparison import BASE, COMPARISONS, merged

PROJECT = """\
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "$distribution"
version = "0.1.0"
description = "For gancore: the $kind $name"
readme = "README.md"
requires-python = ">=3.11"
dependencies = ["gancore"]

[project.optional-dependencies]
test = ["pytest"]

[project.entry-points.gancore]
$name = "$package"

[tool.setuptools]
packages = ["$package"]
"""

PROVIDER = '''\
"""The provider of this distribution: light, it names its plugins without importing them (or torch)."""

from gancore import hookimpl
from gancore.registry import PluginSpec


@hookimpl
def gancore_catalogue() -> list[PluginSpec]:
    """One $kind."""
    target = "$package.$name:$cls"
    return [PluginSpec(kind="$kind", name="$name", target=target, summary="what it does, in one line")]
'''

TEST = '''\
"""It keeps its contract, and gancore finds it: `pip install -e '.[test]'`, then `pytest`."""

from $package.$name import $cls

from gancore.discovery import discover
from gancore.testing import check_plugin


def test_it_keeps_its_contract() -> None:
    check_plugin($cls)


def test_gancore_finds_it() -> None:
    assert discover().get("$kind", "$name").load() is $cls
'''

README = """\
# $distribution

A $kind for gancore: say here what it does, its source (paper, section, equation),
and what differs from it.

    pip install -e '.[test]'    # this folder; gancore finds the plugin by its entry point
    pytest                      # the checks of gancore.testing
    gancore plugins show $kind $name
$use
    pip wheel --no-deps --wheel-dir dist .    # what others can install

| file | contents |
|---|---|
| `$package/$name.py` | the plugin |
| `$package/__init__.py` | the name that gancore lists; imported with every list, so without torch |
| `tests/` | its tests; add some of its numbers: a closed form, a published value |
"""

TRAINED = """\
    gancore train experiment.yaml                                                # about a minute of one core
    gancore grid run grid.yaml --workers 2 && gancore grid report runs/$folder-grid    # beside built-in ones
"""
TRAINED_FILES = """\
| `experiment.yaml` | a small experiment with it |
| `grid.yaml` | the same with built-in plugins beside it |
"""

CONVERTED = """\
    gancore export MODEL.safetensors --format $name -o $name.out
    gancore import $name.out --format $name -o again.safetensors
"""
"""For plugins that take no part in a training."""

IGNORED = "__pycache__/\n*.egg-info/\nbuild/\ndist/\nruns/\n"


def write_package(kind: str, name: str, folder: Path) -> Path:
    """Writes folder/gancore-name. Raises PluginError if the name is wrong or taken, or the folder exists."""
    files = package_files(kind, name, skeleton(kind, name))
    if keyword.iskeyword(name):
        raise PluginError(f"{name!r} cannot be the name of a module, since it is a Python keyword; choose another")
    if find_spec(f"gancore_{name}") is not None:
        raise PluginError(f"a package gancore_{name} is installed already; choose another name")
    root = folder / f"gancore-{name.replace('_', '-')}"
    try:
        root.mkdir(parents=True)
        for path, text in files.items():
            (root / path).parent.mkdir(exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
    except FileExistsError:
        raise PluginError(f"{root} is there already; choose another name or folder") from None
    except OSError as error:
        raise PluginError(f"{root} cannot be written: {error.strerror}") from error
    return root


def package_files(kind: str, name: str, code: str) -> Mapping[str, str]:
    """The text of every file of the distribution, by its path in it."""
    words = {"kind": kind_of(kind), "name": name, "cls": class_name(name), "package": f"gancore_{name}"}
    words |= {"folder": name.replace("_", "-"), "distribution": f"gancore-{name.replace('_', '-')}"}
    trained = kind in COMPARISONS
    readme = README + TRAINED_FILES * trained
    use = _filled(TRAINED if trained else CONVERTED, words).rstrip("\n")
    return {
        "pyproject.toml": _filled(PROJECT, words),
        "README.md": _filled(readme, words | {"use": use}),
        ".gitignore": IGNORED,
        f"{words['package']}/__init__.py": _filled(PROVIDER, words),
        f"{words['package']}/{name}.py": code,
        f"tests/test_{name}.py": _filled(TEST, words),
        **(_experiments(kind, name, words) if trained else {}),
    }


def _filled(template: str, words: Mapping[str, str]) -> str:
    return Template(template).substitute(words)


def _experiments(kind: str, name: str, words: Mapping[str, str]) -> dict[str, str]:
    alone = merged({"name": words["folder"], **BASE}, COMPARISONS[kind].choosing(name))
    beside = COMPARISONS[kind].grid({name: frozenset()})
    grid = merged({"name": f"{words['folder']}-grid", **BASE}, beside)
    return {
        "experiment.yaml": f"# {words['distribution']}: `gancore train experiment.yaml`, about a minute of one core\n"
        + dump(alone),
        "grid.yaml": "# Beside built-in ones: `gancore grid run grid.yaml --workers 2`, about a minute a cell\n"
        + dump(grid),
    }
