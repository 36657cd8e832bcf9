"""`gancore plugins check`: a report of every check, for a reader or another program."""

import ast
import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gancore.discovery import discover
from gancore.errors import PluginError
from gancore.kinds import KINDS
from gancore.local_plugins import load_local
from gancore.registry import PluginSpec

if TYPE_CHECKING:
    from gancore.testing import Finding


@click.command()
@click.argument("plugin", nargs=-1, required=True, metavar="NAME | KIND NAME | FILE[:CLASS]")
@click.option("--kind", type=click.Choice(KINDS), help="The kind, where a name or a class does not tell it.")
@click.option("--without", multiple=True, metavar="CHECK", help="A check to leave out; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for another program.")
def check(plugin: tuple[str, ...], kind: str | None, without: tuple[str, ...], as_json: bool) -> None:
    """Check that a plugin keeps the contract of its kind: build it small, use it, train six steps with it.

    Takes a few seconds. A FILE without a class is checked for each class of it that is a plugin. Exit code 2 if a check
    fails.
    """
    specs = asked_for(plugin, kind)
    reports = [_report(spec, without, quiet=as_json) for spec in specs]
    if as_json:
        click.echo(json.dumps([_facts(*pair) for pair in zip(specs, reports, strict=True)], indent=2))
    for spec, found in zip(specs, reports, strict=True):
        if failed := [finding for finding in found if not finding.passed]:
            raise PluginError(f"{spec.title}: {len(failed)} findings, the first: {failed[0]}")


def asked_for(target: Sequence[str], kind: str | None = None) -> list[PluginSpec]:
    """The plugins that the arguments name. Raises PluginError and UsageError."""
    if len(target) == 2 and kind is None and target[0] in KINDS:
        return [discover().get(*target)]
    if len(target) == 1 and (".py" in target[0] or "/" in target[0]):
        return list(_of_file(target[0], kind))
    if len(target) == 1:
        return [_named(target[0], kind)]
    raise click.UsageError("say NAME or KIND NAME for an installed plugin, FILE or FILE:CLASS for one in a file")


def _named(name: str, kind: str | None) -> PluginSpec:
    """An installed plugin by its name alone, if one kind has it."""
    kinds = [spec.kind for spec in discover().specs() if spec.name == name and kind in (None, spec.kind)]
    if len(kinds) > 1:
        raise PluginError(f"{name!r} is a {' and a '.join(kinds)}; write KIND NAME, {kinds[0]} {name}")
    if kind is None and not kinds:
        raise PluginError(f"no plugin {name!r}; `gancore plugins list` shows all, and a file ends in .py")
    return discover().get(kind or kinds[0], name)


def _of_file(target: str, kind: str | None) -> Iterator[PluginSpec]:
    """The plugins of a file: the class that is named, or all of them."""
    file, _, one = target.partition(".py:")
    path = f"{file}.py" if one else target
    classes = [one] if one else _classes(Path(path))
    for name in classes:
        found = _kind_of(path, name) if kind is None else kind
        if found is not None:
            yield load_local({found: {_lower(name): f"{path}:{name}"}}, Path(), requested=True)[0]
        elif one:
            raise PluginError(f"{path}:{name} is derived from no base class of gancore.contracts")
    if not one and not any(_kind_of(path, name) for name in classes):
        raise PluginError(f"{path}: no class of it is derived from a base class of gancore.contracts")


def _classes(path: Path) -> list[str]:
    """The public classes that a file defines. Raises PluginError."""
    try:
        tree = ast.parse(path.read_bytes())
    except OSError as error:
        raise PluginError(f"{path}: {error.strerror}") from error
    except (SyntaxError, ValueError) as error:
        raise PluginError(f"{path}:{getattr(error, 'lineno', None) or 1}: this is not Python: {error}") from error
    return [node.name for node in tree.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")]


def _kind_of(path: str, name: str) -> str | None:
    """The kind that the class has by its base; None for other classes. Raises PluginError for a file that fails."""
    from gancore.testing.check import kind_of

    spec = load_local({KINDS[0]: {"checked": f"{path}:{name}"}}, Path(), requested=True)[0]
    try:
        found = getattr(spec._import(spec.target.partition(":")[0]), name, None)
    except KeyboardInterrupt:
        raise
    except BaseException as cause:  # a module may raise anything, SystemExit included
        raise PluginError(f"{path} cannot be loaded: {spec._blame(cause)}") from cause
    if found is None:
        raise PluginError(f"{path} has no class {name!r}")
    return kind_of(found) if isinstance(found, type) else None


def _lower(name: str) -> str:
    """MyOwn -> my_own, as `gancore plugins new` names classes."""
    text = "".join(f"_{c.lower()}" if c.isupper() else c for c in name).strip("_")
    return text if text.isascii() and text[:1].isalpha() else "checked"


def _report(spec: PluginSpec, without: Sequence[str], quiet: bool) -> list["Finding"]:
    """All findings; prints a line for each check that passes, and one for each failure."""
    from gancore.testing import findings

    report: list[Finding] = []
    for name, group in itertools.groupby(findings(spec, without=without), key=lambda finding: finding.check):
        found = list(group)
        report += found
        for line in [] if quiet else _lines(name, found):
            click.echo(line)
    return report


def _lines(name: str, found: Sequence["Finding"]) -> Iterator[str]:
    unusual = [finding for finding in found if finding.state != "ok"]
    if not unusual:
        yield f"{'ok':6}{name}{f': {found[0].expected}' if name in ('loads', 'options') else ''}"
    yield from (f"{finding.state:6}{finding}" for finding in unusual)


def _facts(spec: PluginSpec, found: Sequence["Finding"]) -> dict[str, Any]:
    passed = all(finding.passed for finding in found)
    about = {"kind": spec.kind, "name": spec.name, "target": spec.target, "origin": spec.origin, "passed": passed}
    return {**about, "findings": [finding.to_dict() for finding in found]}
