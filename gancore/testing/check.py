"""Runs the checks of a plugin's kind."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType, SimpleNamespace
from typing import Any

import torch
from pydantic import ValidationError

from gancore import contracts
from gancore.composition.contract import flaws
from gancore.errors import GancoreError, PluginError
from gancore.kinds import CONTRACTS
from gancore.registry import PluginSpec
from gancore.testing import (
    analyses,
    batches,
    declarations,
    gradients,
    images,
    observing,
    outputs,
    repeats,
    scores,
    updates,
)
from gancore.testing.family import Check, checks_of
from gancore.testing.finding import Finding
from gancore.testing.subject import Subject, small_options

FAMILIES: tuple[ModuleType, ...] = (outputs, gradients, batches, repeats, images, scores, analyses, observing, updates)
"""The files with the checks of a built plugin, in the order in which they run; `declarations` run before."""


def check_plugin(plugin: type[contracts.Plugin] | PluginSpec, /, **options: Any) -> list[Finding]:
    """Checks a plugin with these options (default: its own), built small, and returns the findings.

    Raises AssertionError with all failures.
    """
    spec = plugin if isinstance(plugin, PluginSpec) else spec_of(plugin)
    found = list(findings(spec, options))
    if failed := [str(finding) for finding in found if not finding.passed]:
        raise AssertionError("\n  ".join([f"{spec.title} does not keep its contract:", *failed]))
    return found


def findings(spec: PluginSpec, options: Mapping[str, Any] | None = None) -> Iterator[Finding]:
    """Yields the findings of all checks of the plugin's kind.

    Raises PluginError for a plugin that cannot be loaded.
    """
    plugin = spec.load()
    yield Finding("loads", f"{spec.kind}, {spec.target}")
    try:
        cfg = plugin.Config(**{**small_options(plugin), **(options or {})})
    except ValidationError as error:
        reasons = "; ".join(": ".join([*map(str, each["loc"]), each["msg"]]) for each in error.errors())
        yield Finding("options", f"not built, since some must be given: {reasons}", skipped=True)
        return
    subject = Subject(spec, plugin, cfg)
    for check in checks_of(declarations, spec.kind):
        yield from run(check, subject)
    checks = [check for family in FAMILIES for check in checks_of(family, spec.kind)]
    built = run(Check((), is_built), subject) if checks else []
    yield from built
    if any(finding.skipped or not finding.passed for finding in built):
        return
    told = set[str]()
    for check in checks:
        for finding in run(check, subject):
            if finding.passed or finding.got not in told:  # an exception of one check is that of others, too
                yield finding
            told.add(finding.got)
            if finding.skipped:
                return


def is_built(subject: Subject) -> Iterator[Finding]:
    got = "; ".join(flaws(subject.made()))
    yield Finding("built", "all that the contract requires", got, "nothing can be composed with it")


def run(check: Check, subject: Subject) -> list[Finding]:
    """The findings of a check, and exceptions of the plugin."""
    found: list[Finding] = []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        try:
            with subject.spec.blamed("raises"):
                found.extend(check.run(subject))
        except PluginError as error:
            about = ", ".join(getattr(error.__cause__, "__notes__", [check.name]))
            found.append(Finding(about, "no exception", str(error).removeprefix(f"{subject.spec.title} raises: ")))
        except GancoreError as missing:  # weights that are not here, a package that is not installed
            found.append(Finding(check.name, f"not checked any further: {missing}", skipped=True))
    return found


@dataclass(frozen=True)
class GivenPlugin(PluginSpec):
    """A plugin given by its class, for example in a test."""

    given: type[Any] | None = None

    def _import(self, module: str) -> Any:
        return SimpleNamespace(**{self.target.partition(":")[2]: self.given})


def spec_of(plugin: type[contracts.Plugin]) -> PluginSpec:
    """A spec for a class; its kind is that of the contract it is derived from. Raises PluginError for other classes."""
    for kind, bases in CONTRACTS.items():
        if issubclass(plugin, tuple(getattr(contracts, base) for base in bases)):
            module = re.sub(r"[^\w.]", "_", plugin.__module__)
            name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", plugin.__name__).strip("_").lower()
            return GivenPlugin(kind, name, f"{module}:{plugin.__name__}", distribution=module, given=plugin)
    raise PluginError(f"{plugin.__name__} is derived from no base class of gancore.contracts")
