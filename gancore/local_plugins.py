"""Plugins from files beside the experiment: its `plugins:` section.

    plugins:
      normalization:
        mine: ./mine.py:Mine

The file is read once. This content is executed, hashed for the version (12 hex digits of its SHA-256), and copied into
the run folder, even if the file is edited meanwhile. Such a file is one module: it imports installed packages, not
files beside it.
"""

import ast
import linecache
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

from gancore.errors import PluginError
from gancore.registry import PluginSpec
from gancore.trust import digest, may_execute, remember

LOCAL = "local"
"""The distribution of local plugins in lists and run folders."""

LARGEST = 2**20
"""Largest plugin file, in bytes."""


@dataclass(frozen=True)
class LocalPlugin(PluginSpec):
    """A plugin whose module is executed from `source`, the content of the file at `path`."""

    path: Path = Path()
    source: bytes = field(default=b"", repr=False)

    @property
    def origin(self) -> str:
        """The file."""
        return str(self.path)

    def _import(self, module: str) -> ModuleType:
        """Executes the file under a name made from its content: once per process, and visible to pickle and inspect."""
        if module in sys.modules:
            return sys.modules[module]
        made = ModuleType(module)
        made.__file__ = str(self.path)
        linecache.cache[made.__file__] = _lines(self.source, made.__file__)
        sys.modules[module] = made
        try:
            exec(compile(self.source, made.__file__, "exec"), vars(made))
        except BaseException:
            del sys.modules[module]
            raise
        return made


def load_local(
    section: Mapping[str, Mapping[str, str]], base: Path, *, requested: bool, trusted: bool = False
) -> list[LocalPlugin]:
    """The plugins of a `plugins:` section, kind -> name -> "file.py:Class"; files are relative to `base`.

    Nothing is executed before `load` is called. `requested` and `trusted` are those of gancore.trust.may_execute:
    opening a stranger's folder must not run code.

    Raises PluginError for a missing file, a wrong target, kind or name, and for a file that may not be executed.
    """
    return [
        _read(kind, name, target, base, requested, trusted)
        for kind, names in section.items()
        for name, target in names.items()
    ]


def copy_into(specs: Iterable[PluginSpec], folder: Path) -> dict[str, dict[str, str]]:
    """Copies the files of local plugins to folder/plugins; returns the `plugins:` section that finds them there.

    Records them, so that this account can open the folder without --trust-local-plugins. Skips other plugins.
    The version distinguishes files of one name but different content.
    """
    section: dict[str, dict[str, str]] = {}
    for spec in specs:
        if isinstance(spec, LocalPlugin):
            copy = _copy(spec, folder / "plugins")
            name = spec.target.rpartition(":")[2]
            section.setdefault(spec.kind, {})[spec.name] = f"./plugins/{copy.name}:{name}"
    return section


def version_of(source: bytes) -> str:
    """The version of a plugin file: 12 hex digits of its SHA-256."""
    return digest(source)[:12]


def same_code(one: bytes, other: bytes) -> bool:
    """Whether two plugin files differ at most in comments, layout and docstrings, so that they compute the same."""
    return one == other or _code(one) == _code(other)


def _code(source: bytes) -> str | bytes:
    """A file without comments and layout, and without docstrings unless it reads some; itself, if it is not Python."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return source
    for node in [] if b"__doc__" in source or b"getdoc" in source else ast.walk(tree):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            del node.body[0]
    return ast.dump(tree)


_DOCUMENTED = ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef


def _read(kind: str, name: str, target: str, base: Path, requested: bool, trusted: bool) -> LocalPlugin:
    where = f"plugins.{kind}.{name}"
    file, _, attribute = target.rpartition(":")
    path = base / file
    if not (file.endswith(".py") and attribute.isidentifier()):
        raise PluginError(f"{where}: {target!r} should be a Python file and a class, './mine.py:Mine'")
    if not path.is_file():
        raise PluginError(f"{where}: there is no file {path}")
    try:
        with path.open("rb") as opened:
            source = opened.read(LARGEST + 1)
        if len(source) > LARGEST:
            raise PluginError(f"{path} is larger than {LARGEST >> 20} MiB; a plugin file is a single module")
        if not may_execute(source, requested=requested, trusted=trusted):
            why = "because a file of a run or grid folder, or a model, names it"
            raise PluginError(f"this would execute {path}, {why}; if you trust it, say so with --trust-local-plugins")
        version = version_of(source)
        made = f"gancore_local_{version}:{attribute}"
        return LocalPlugin(kind, name, made, f"from {file}", "", LOCAL, version, path.resolve(), source)
    except (OSError, PluginError) as cause:
        raise PluginError(f"{where}: {cause}") from cause


def _copy(spec: LocalPlugin, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / spec.path.name
    if copy.exists() and copy.read_bytes() != spec.source:
        copy = copy.with_stem(f"{copy.stem}_{spec.version}")
    unfinished = copy.with_suffix(".tmp")
    unfinished.write_bytes(spec.source)
    os.replace(unfinished, copy)
    remember(spec.source)
    return copy


def _lines(source: bytes, file: str) -> tuple[int, None, list[str], str]:
    """An entry for linecache, so that tracebacks and inspect show the executed code, not the present file."""
    return len(source), None, source.decode("utf-8", "replace").splitlines(keepends=True), file
