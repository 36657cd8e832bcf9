"""The known plugins: a `PluginSpec` describes one without importing it, a `Registry` finds it by kind and name.

Nothing here imports torch or pydantic until `PluginSpec.load` is called.
"""

import importlib
import re
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from gancore.errors import GancoreError, PluginError, did_you_mean
from gancore.kinds import CONTRACTS, KINDS

NAME = re.compile(r"[a-z][a-z0-9_]*")
TARGET = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


@dataclass(frozen=True)
class PluginSpec:
    """A plugin that has not been imported yet.

    kind: one of gancore.kinds.KINDS.
    name: the value of `use:` in an experiment; lower case, digits and underscores.
    target: "package.module:Class".
    summary: one line for lists.
    paper: its source, e.g. "arXiv:1912.04958"; empty if it has no paper.
    distribution, version: its origin. Providers leave them empty: discovery fills them in.

    Raises PluginError if kind, name or target do not have this form.
    """

    kind: str
    name: str
    target: str
    summary: str = ""
    paper: str = ""
    distribution: str = ""
    version: str = ""

    def __post_init__(self) -> None:
        check_kind(self.kind)
        if not NAME.fullmatch(self.name):
            raise PluginError(f"{self.kind} {self.name!r}: a name is lower-case letters, digits and underscores")
        if not TARGET.fullmatch(self.target):
            raise PluginError(f"{self.kind} {self.name!r}: target {self.target!r} should be 'package.module:Class'")

    @property
    def origin(self) -> str:
        """Distribution and version, "gancore 0.1.0"."""
        return f"{self.distribution} {self.version}".strip() or "an unnamed distribution"

    def load(self) -> type[Any]:
        """The plugin's class, imported on first use and checked against the contract of its kind.

        Raises PluginError with plugin, distribution and cause for any exception of the plugin's module.
        """
        module, _, name = self.target.partition(":")
        try:
            found = getattr(self._import(module), name)
        except KeyboardInterrupt:
            raise
        except BaseException as cause:  # a module may raise anything, SystemExit included
            raise PluginError(f"{self.title} cannot be loaded: {self._blame(cause)}") from cause
        if (flaw := _flaw(found, self.kind)) is not None:
            raise PluginError(f"{self.title} is no {self.kind}: {self.target} {flaw}")
        return found

    @contextmanager
    def blamed(self, fault: str) -> Iterator[None]:
        """Turns exceptions of the plugin's code into PluginError: "TITLE FAULT: type: message (file:line)".

        SystemExit counts too: a plugin must not end the program. A GancoreError passes: its message is clear already.
        """
        try:
            yield
        except GancoreError:
            raise
        except (Exception, SystemExit) as cause:
            raise PluginError(f"{self.title} {fault}: {self._blame(cause)}") from cause

    @property
    def title(self) -> str:
        """Kind, name and origin, for messages."""
        return f"{self.kind} {self.name!r} of {self.origin}"

    def _blame(self, cause: BaseException) -> str:
        """The exception, and the last line of the plugin's code in its traceback."""
        if isinstance(cause, SyntaxError):
            return f"{type(cause).__name__}: {cause.msg} ({cause.filename}:{cause.lineno})"
        package = self.target.partition(":")[0].partition(".")[0]
        lines = [
            f"{frame.f_code.co_filename}:{line}"
            for frame, line in traceback.walk_tb(cause.__traceback__)
            if str(frame.f_globals.get("__name__")).partition(".")[0] == package
        ]
        return f"{explain(cause)} ({lines[-1]})" if lines else explain(cause)

    def _import(self, module: str) -> ModuleType:
        return importlib.import_module(module)


@dataclass(frozen=True)
class BrokenProvider:
    """A distribution with unusable plugins, wholly or in part, and the reason."""

    distribution: str
    version: str
    reason: str

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}".strip() + f": {self.reason}"


@dataclass(frozen=True)
class Registry:
    """Plugins by kind and name. Immutable; `with_local` returns a larger one.

    broken: distributions that were refused, wholly or for one name, in the order they were found.
    refused: (kind, name) to the reason why that name cannot be used although it is offered.
    hooks: pluggy's relay; `registry.hooks.gancore_step_end(...)` calls all observers (gancore.hookspecs).
    """

    plugins: Mapping[tuple[str, str], PluginSpec]
    broken: Sequence[BrokenProvider] = ()
    refused: Mapping[tuple[str, str], str] = field(default_factory=dict)
    hooks: Any = None

    def get(self, kind: str, name: str) -> PluginSpec:
        """The plugin of that kind and name; PluginError says what would be right."""
        check_kind(kind)
        if (kind, name) not in self.plugins:
            raise PluginError(f"{kind} {name!r} {self._why_not(kind, name)}")
        return self.plugins[kind, name]

    def specs(self, kind: str | None = None) -> list[PluginSpec]:
        """All plugins, or those of one kind, in the order of KINDS and then of their names."""
        if kind is not None:
            check_kind(kind)
        chosen = [spec for spec in self.plugins.values() if kind in (None, spec.kind)]
        return sorted(chosen, key=lambda spec: (KINDS.index(spec.kind), spec.name))

    def names(self, kind: str) -> list[str]:
        """The sorted names of one kind."""
        return [spec.name for spec in self.specs(kind)]

    def with_local(self, specs: Iterable[PluginSpec]) -> "Registry":
        """This registry and the given plugins; PluginError where a name is taken."""
        plugins = dict(self.plugins)
        for spec in specs:
            if (taken := plugins.get((spec.kind, spec.name))) is not None:
                raise PluginError(
                    f"plugins.{spec.kind}.{spec.name}: {taken.origin} has a {spec.kind} of this name; choose another"
                )
            plugins[spec.kind, spec.name] = spec
        return Registry(plugins, self.broken, self.refused, self.hooks)

    def _why_not(self, kind: str, name: str) -> str:
        if (kind, name) in self.refused:
            return self.refused[kind, name]
        elsewhere = [spec.kind for spec in self.specs() if spec.name == name]
        if elsewhere:
            return f"is unknown: {name!r} is a {' and a '.join(elsewhere)}; {did_you_mean(name, self.names(kind))}"
        broken = "".join(f"\n  it may belong to a broken distribution: {provider}" for provider in self.broken)
        return f"is unknown; {did_you_mean(name, self.names(kind))}{broken}"


def check_kind(kind: str) -> None:
    """Raises PluginError unless `kind` is one of KINDS."""
    if kind not in KINDS:
        raise PluginError(f"unknown kind {kind!r}; {did_you_mean(kind, KINDS)}")


def explain(cause: BaseException) -> str:
    """Type and message of an exception on one line."""
    return f"{type(cause).__name__}: {cause}".replace("\n", " ").removesuffix(": ")


def _flaw(found: Any, kind: str) -> str | None:
    """Why the object is not a plugin of that kind; None when it is one."""
    if not isinstance(found, type):
        return "is not a class"
    from gancore import contracts  # imports torch, which finding plugins must not
    from gancore.options import PluginConfig

    bases = tuple(getattr(contracts, name) for name in CONTRACTS[kind])
    if not issubclass(found, bases):
        return f"is not derived from gancore.contracts.{' or '.join(CONTRACTS[kind])}"
    config = getattr(found, "Config", None)
    if not (isinstance(config, type) and issubclass(config, PluginConfig)):
        return "has no nested Config derived from gancore.contracts.PluginConfig"
    return None
