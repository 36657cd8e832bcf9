"""Finds the plugins of all installed distributions: the one door, for gancore's own plugins too.

A distribution names a provider module in its entry-point group `gancore`; the module implements the hooks of
gancore.hookspecs. Each provider is consulted apart, so that one that fails is kept as broken, with its
distribution and the reason, and never stops the rest (pluggy's own loader would stop at the first).

Where several distributions offer one name of one kind, gancore's own plugin keeps it; among third parties nobody
gets it, because which one is meant is not for the order of installation to say. Either way both origins are told.
"""

import functools
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from importlib.metadata import Distribution, EntryPoint, distributions

import pluggy

from gancore import hookspecs
from gancore.errors import PluginError
from gancore.registry import BrokenProvider, PluginSpec, Registry, explain

GROUP = "gancore"
FIRST_PARTY = "gancore"


@functools.cache
def discover() -> Registry:
    """The plugins of all installed distributions, found once per process. Imports providers, but no plugin."""
    manager = _manager()
    specs: list[PluginSpec] = []
    broken: list[BrokenProvider] = []
    for origin, entry_point in _entry_points():
        try:
            provider = entry_point.load()
            specs += [replace(spec, **vars(origin)) for spec in _consult(provider)]
            manager.register(provider, name=f"{origin.distribution}:{entry_point.name}")
        except KeyboardInterrupt:
            raise
        except BaseException as cause:  # a provider may raise anything, SystemExit included
            broken.append(BrokenProvider(**vars(origin), reason=_reason(entry_point, cause)))
    return _settle(specs, broken, manager)


@dataclass(frozen=True)
class Origin:
    """The distribution behind a provider."""

    distribution: str
    version: str


def _entry_points() -> Iterator[tuple[Origin, EntryPoint]]:
    """Entry points of our group. Of several installed copies of a distribution, the first on sys.path counts."""
    seen = set()
    for found in distributions():
        if f"[{GROUP}]" not in _text(found):
            continue
        origin = Origin(found.metadata["Name"] or "unnamed", found.metadata["Version"] or "")
        canonical = re.sub(r"[-_.]+", "-", origin.distribution).lower()
        if canonical not in seen:
            seen.add(canonical)
            yield from ((origin, point) for point in found.entry_points if point.group == GROUP)


def _text(found: Distribution) -> str:
    try:
        return found.read_text("entry_points.txt") or ""
    except (OSError, UnicodeDecodeError):
        return ""


def _manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    return manager


def _consult(provider: object) -> list[PluginSpec]:
    """The catalogue of one provider, whose hooks are checked by a manager of its own."""
    manager = _manager()
    manager.register(provider)
    manager.check_pending()
    specs = [spec for specs in manager.hook.gancore_catalogue() for spec in specs]
    for spec in specs:
        if not isinstance(spec, PluginSpec):
            raise PluginError(f"gancore_catalogue should give PluginSpec objects, not {spec!r}")
    return specs


def _reason(entry_point: EntryPoint, cause: BaseException) -> str:
    return f"provider {entry_point.value!r}: {cause if isinstance(cause, PluginError) else explain(cause)}"


def _settle(specs: Iterable[PluginSpec], broken: list[BrokenProvider], manager: pluggy.PluginManager) -> Registry:
    """The registry of all names that one distribution offers; clashes are refused and reported."""
    offers: dict[tuple[str, str], list[PluginSpec]] = defaultdict(list)
    for spec in dict.fromkeys(specs):
        offers[spec.kind, spec.name].append(spec)
    plugins, refused = {}, {}
    for key, rivals in offers.items():
        own = [spec for spec in rivals if spec.distribution == FIRST_PARTY]
        if len(rivals) == 1 or len(own) == 1:
            plugins[key] = own[0] if own else rivals[0]
        else:
            refused[key] = f"is offered by {' and by '.join(spec.origin for spec in rivals)}; uninstall one of them"
        broken += [_clash(spec, rivals) for spec in rivals if spec is not plugins.get(key)]
    return Registry(plugins, broken, refused, manager.hook)


def _clash(spec: PluginSpec, rivals: list[PluginSpec]) -> BrokenProvider:
    others = " and ".join(f"{rival.origin} ({rival.target})" for rival in rivals if rival is not spec)
    reason = f"{spec.kind} {spec.name!r} ({spec.target}) is not used: it clashes with that of {others}"
    return BrokenProvider(spec.distribution, spec.version, reason)
