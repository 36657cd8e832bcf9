"""Runs the checks of a plugin's kind (`gancore.testing.table`)."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import torch
from pydantic import ValidationError

from gancore import contracts
from gancore.composition.contract import flaws
from gancore.errors import GancoreError, PluginError, did_you_mean
from gancore.kinds import CONTRACTS
from gancore.registry import PluginSpec
from gancore.testing.finding import Finding
from gancore.testing.subject import Subject, small_options
from gancore.testing.table import CHECKS, DECLARED, Check

RAISES = "no exception"


def check_plugin(
    plugin: type[contracts.Plugin] | PluginSpec, /, *, without: Collection[str] = (), **options: Any
) -> list[Finding]:
    """Checks a plugin with these options (default: its own), built small, and returns the findings.

    without: names of checks to leave out, because the plugin breaks their rule on purpose.

    Raises AssertionError with all failures.
    """
    spec = plugin if isinstance(plugin, PluginSpec) else spec_of(plugin)
    found = list(findings(spec, options, without))
    if failed := [str(finding) for finding in found if not finding.passed]:
        raise AssertionError("\n  ".join([f"{spec.title} does not keep its contract:", *failed]))
    return found


def findings(
    spec: PluginSpec, options: Mapping[str, Any] | None = None, without: Collection[str] = ()
) -> Iterator[Finding]:
    """Yields the findings of all checks of the plugin's kind; those in `without` are skipped.

    Raises PluginError for a plugin that cannot be loaded, and for an unknown check in `without`.
    """
    plugin, checks = spec.load(), (*DECLARED, is_built, *CHECKS[spec.kind])
    known = {name_of_check(check) for check in checks}
    if unknown := sorted(set(without) - known):
        raise PluginError(f"{spec.kind} plugins have no check {unknown[0]!r}; {did_you_mean(unknown[0], known)}")
    yield Finding("loads", f"{spec.kind}, {spec.target}", check="loads")
    try:
        cfg = plugin.Config(**{**small_options(plugin), **(options or {})})
    except ValidationError as error:
        reasons = "; ".join(": ".join([*map(str, each["loc"]), each["msg"]]) for each in error.errors())
        yield Finding("options", f"not built, since some must be given: {reasons}", skipped=True, check="options")
        return
    subject, told = Subject(spec, plugin, cfg), set[str]()
    for check in checks:
        if (name := name_of_check(check)) in without:
            yield Finding(name, "left out", skipped=True, check=name)
            continue
        found = run(check, subject)
        for finding in found:
            if finding.expected != RAISES or finding.got not in told:  # several checks may raise one exception
                yield finding
            told.add(finding.got)
        if any(finding.check == UNAVAILABLE for finding in found) or (check is is_built and not found[0].passed):
            return


def is_built(subject: Subject) -> Iterator[Finding]:
    got = "; ".join(flaws(subject.made()))
    yield Finding("built", "all that the contract requires", got, "nothing can be composed with it")


def name_of_check(check: Check) -> str:
    """The function's name as text."""
    return check.__name__.replace("_", " ")


UNAVAILABLE = "availability"
"""The name of the check that ends all others: weights or packages are not here."""


def run(check: Check, subject: Subject) -> list[Finding]:
    """The findings of a check, and exceptions of the plugin. Torch's random state is the same in each, and restored."""
    found: list[Finding] = []
    name = name_of_check(check)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        try:
            with subject.spec.blamed("raises"):
                found.extend(check(subject))
        except PluginError as error:
            about = ", ".join(getattr(error.__cause__, "__notes__", [name]))
            found.append(Finding(about, RAISES, str(error).removeprefix(f"{subject.spec.title} raises: ")))
        except GancoreError as missing:  # weights that are not here, a package that is not installed
            reason = f"not checked any further: {missing}"
            found.append(Finding(name, reason, skipped=True, check=UNAVAILABLE))
    return [_placed(finding, name, subject) for finding in found]


def _placed(finding: Finding, check: str, subject: Subject) -> Finding:
    """The finding with the name of its check; a failure with the line of the first method that it is about."""
    raised = re.search(r"\(([^()]*:\d+)\)$", finding.got)
    where = raised[1] if raised else subject.line_of(*re.findall(r"\w+", finding.about))
    where = "" if finding.passed else where
    return replace(finding, check=finding.check or check, where=where)


@dataclass(frozen=True)
class GivenPlugin(PluginSpec):
    """A plugin given by its class, for example in a test."""

    given: type[Any] | None = None

    def _import(self, module: str) -> Any:
        return SimpleNamespace(**{self.target.partition(":")[2]: self.given})


def spec_of(plugin: type[contracts.Plugin]) -> PluginSpec:
    """A spec for a class; its kind is that of the contract it is derived from. Raises PluginError for other classes."""
    if (kind := kind_of(plugin)) is None:
        raise PluginError(f"{plugin.__name__} is derived from no base class of gancore.contracts")
    module = re.sub(r"[^\w.]", "_", plugin.__module__)
    return GivenPlugin(kind, name_of(plugin), f"{module}:{plugin.__name__}", distribution=module, given=plugin)


def kind_of(plugin: type[Any]) -> str | None:
    """The kind of the contract that a class is derived from; None for other classes."""
    for kind, bases in CONTRACTS.items():
        if issubclass(plugin, tuple(getattr(contracts, base) for base in bases)):
            return kind
    return None


def name_of(plugin: type[Any]) -> str:
    """MyOwn -> my_own."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", plugin.__name__).strip("_").lower()
