"""Records the public names and their signatures in tests/door/public_names.txt: `python -m scripts.make_public_names`.

Whoever writes a plugin may rely on them. New ones are recorded once CHANGELOG.md names them under its first heading.
What was removed or changed is refused: put the old name or signature back, or, where that is meant, edit the file by
hand and say so in the changelog. Only sources are read, so the lines are the same with every version of torch.
"""

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
FILE = ROOT / "tests" / "door" / "public_names.txt"
CHANGELOG = ROOT / "CHANGELOG.md"
MODULES = (
    "gancore",
    "gancore.contracts",
    "gancore.nn",
    "gancore.nn.processes",
    "gancore.testing",
    "gancore.registry",
    "gancore.hookspecs",
    "gancore.errors",
    "gancore.data",
    "gancore.evaluation",
    "gancore.drawing",
)

Names = dict[str, str]
"""The rest of the line (signature, base classes, value) by qualified name."""


def public_names() -> Names:
    """Everything public in MODULES: functions, classes with their public members, constants, types."""
    return {name: rest for module in MODULES for public in exported(module) for name, rest in described(module, public)}


def exported(module: str) -> list[str]:
    """What `__all__` lists; else, of a package, what it imports as itself, and of a module, what it defines."""
    found: dict[str, None] = {}
    for name, statement in statements(module):
        if name == "__all__" and isinstance(statement, ast.Assign):
            return sorted(ast.literal_eval(statement.value))
        if not name.startswith("_") and (is_package(module) or not isinstance(statement, ast.alias)):
            found[name] = None
    return sorted(found)


def described(module: str, name: str) -> Iterator[tuple[str, str]]:
    origin, statement = definition(module, name)
    if statement is None:
        yield f"{module}.{name}", f" = module {origin}"
    else:
        yield from lines(f"{module}.{name}", statement)


def definition(module: str, name: str) -> tuple[str, ast.stmt | None]:
    """The module that defines a name, and the statement; None for the module itself."""
    found = [statement for own, statement in statements(module) if own == name]
    if not found:
        return f"{module}.{name}", None
    statement = found[-1]
    if isinstance(statement, ast.alias):
        return definition(statement.module, statement.name)  # type: ignore[attr-defined]
    return module, statement


def statements(module: str) -> Iterator[tuple[str, ast.stmt | ast.alias]]:
    """What a module defines or imports from gancore, by name; also where only type checkers see it."""
    for statement in unwrapped(parsed(module).body):
        if (
            isinstance(statement, ast.ImportFrom)
            and str(statement.module).startswith("gancore")
            and statement.module != module
        ):
            for alias in statement.names:
                alias.module = statement.module  # type: ignore[attr-defined]
                yield alias.asname or alias.name, alias
        elif isinstance(statement, ast.FunctionDef | ast.ClassDef):
            yield statement.name, statement
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            for target in statement.targets if isinstance(statement, ast.Assign) else [statement.target]:
                if isinstance(target, ast.Name):
                    yield target.id, statement


def unwrapped(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in body:
        yield from unwrapped(statement.body) if isinstance(statement, ast.If) else [statement]


def lines(name: str, statement: ast.stmt) -> Iterator[tuple[str, str]]:
    """A definition, and the public members of a class."""
    match statement:
        case ast.FunctionDef():
            marks = "".join(f" @{ast.unparse(mark)}" for mark in statement.decorator_list)
            returns = f" -> {ast.unparse(statement.returns)}" if statement.returns else ""
            yield name, f"({ast.unparse(statement.args)}){returns}{marks}"
        case ast.ClassDef():
            yield name, f": class({', '.join(map(ast.unparse, statement.bases))})"
            for member in statement.body:
                own = getattr(member, "name", None) or getattr(getattr(member, "target", None), "id", None)
                if own and (own == "__init__" or not own.startswith("_")):
                    yield from lines(f"{name}.{own}", member)
        case ast.AnnAssign():
            yield name, f": {ast.unparse(statement.annotation)}{' = ...' if statement.value else ''}"
        case ast.Assign():
            yield name, f" = {ast.unparse(statement.value)}"


@cache
def parsed(module: str) -> ast.Module:
    return ast.parse(source_of(module).read_text("utf-8"))


def source_of(module: str) -> Path:
    path = ROOT.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def is_package(module: str) -> bool:
    return source_of(module).name == "__init__.py"


def recorded() -> Names:
    """The names of the file."""
    found = (re.match(r"([\w.]+)(.*)", line) for line in FILE.read_text("utf-8").splitlines())
    return {line[1]: line[2] for line in found if line}


def flaws(before: Names, now: Names, changelog: str) -> list[str]:
    """What is removed or changed, and what is new without a line in the changelog. A member's class is enough."""
    said = set(re.findall(r"\w+", changelog.partition("\n## ")[2].partition("\n## ")[0]))
    gone = [f"removed: {name}{rest}" for name, rest in before.items() if name not in now]
    other = [
        f"changed: {name}{rest} -> {name}{now[name]}"
        for name, rest in before.items()
        if now.get(name, rest) != rest  # a line each
    ]
    new = [
        f"new, and not in CHANGELOG.md: {name}{rest}"
        for name, rest in now.items()
        if name not in before and said.isdisjoint(within_its_module(name))
    ]
    return gone + other + new


def within_its_module(name: str) -> list[str]:
    """gancore.contracts.Loss.d -> [Loss, d]."""
    module = max((module for module in MODULES if name.startswith(f"{module}.")), key=len)
    return name.removeprefix(f"{module}.").split(".")


if __name__ == "__main__":
    now = public_names()
    if wrong := flaws(recorded() if FILE.exists() else now, now, CHANGELOG.read_text("utf-8")):
        sys.exit("\n".join(wrong))
    FILE.write_text("".join(f"{name}{rest}\n" for name, rest in now.items()), encoding="utf-8")
