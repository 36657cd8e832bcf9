"""What a plugin's code is known by: its own module and what that imports, read from the files.

What is kept on disk was made by code, not by one file: a network in `gancore.nn` that a feature plugin builds is part
of it as much as the plugin's own lines. It follows import statements anywhere within gancore and within
the package of the plugin; other packages are not.
"""

import ast
import hashlib
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from gancore.contracts.part import Plugin


def code_hash(plugin: type[Plugin]) -> str:
    """sha256 (hex) of the names and contents of all modules that the plugin's code is in."""
    digest = hashlib.sha256()
    for name, path in sorted(modules_of(plugin).items()):
        digest.update(f"{name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def modules_of(plugin: type[Plugin]) -> dict[str, Path]:
    """The modules of a plugin's classes and all that they import of the same packages, by name, with their files."""
    waiting = {cls.__module__ for cls in plugin.__mro__ if issubclass(cls, Plugin)}
    packages = {name.partition(".")[0] for name in waiting}  # gancore is one of them, by the contract's class
    found: dict[str, Path] = {}
    while waiting:
        name = waiting.pop()
        path = _file(name)
        if path is not None and name not in found:
            found[name] = path
            waiting.update(other for other in _imports(name, path) if other.partition(".")[0] in packages)
    return found


def _file(module: str) -> Path | None:
    """The source of a module, loaded or not; None for a name that is none (a class imported from a module)."""
    package, *path = module.split(".")
    candidates = [Path(file)] if (file := getattr(sys.modules.get(module), "__file__", None)) else []
    for root in getattr(sys.modules.get(package), "__path__", ()):
        candidates += [Path(root, *path).with_suffix(".py"), Path(root, *path, "__init__.py")]
    return next((file for file in candidates if file.is_file()), None)


def _imports(module: str, path: Path) -> Iterator[str]:
    """What may be a module among the names that a file imports."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    try:
        yield from _imported(package, path.read_bytes())
    except (SyntaxError, ValueError):  # not Python: a compiled module, or a file that is being edited
        return


@cache
def _imported(package: str, source: bytes) -> tuple[str, ...]:
    """The names that a module of the package imports, and what they might be names of. Kept: parsing takes a while."""
    found: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = _absolute(node, package)
            found += (origin, *(f"{origin}.{alias.name}" for alias in node.names))
    return tuple(found)


def _absolute(node: ast.ImportFrom, package: str) -> str:
    """The module that names are imported from; `package` is that of the importing module."""
    parents = package.split(".")
    kept = parents[: len(parents) + 1 - node.level] if node.level else []
    return ".".join(filter(None, [*kept, node.module]))
