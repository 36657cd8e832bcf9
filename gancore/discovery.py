"""Finds the plugins of all installed distributions, gancore's own included.

A distribution names a provider module in its entry-point group `gancore`; the module implements the hooks of
gancore.hookspecs. Each provider is loaded separately, so that one that fails is recorded as broken, with its
distribution and the reason, and never stops the rest (pluggy's own loader would stop at the first). So is an entry of
a catalogue file that is wrong; the other entries are offered.

If several distributions offer the same name of the same kind, gancore's own plugin keeps it; of third parties, none
gets it: installation order must not decide. Both origins are reported.
"""

import functools
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import Distribution, distributions

import pluggy

from gancore import hookspecs
from gancore.catalogue import CatalogueError
from gancore.errors import PluginError
from gancore.registry import BrokenProvider, PluginSpec, Registry, explain

GROUP = "gancore"
FIRST_PARTY = "gancore"


@dataclass(frozen=True)
class Origin:
    """The distribution behind a provider."""

    distribution: str
    version: str


@functools.cache
def discover() -> Registry:
    """The plugins of all installed distributions, searched once per process. Imports providers, but no plugin."""
    manager = _manager()
    specs: list[PluginSpec] = []
    broken: list[BrokenProvider] = []
    for found, origin in _distributions():
        with _kept_apart(broken, origin, "entry_points.txt"):
            for point in found.entry_points.select(group=GROUP):
                what = f"provider {point.value!r}"
                with _kept_apart(broken, origin, what):
                    provider = point.load()
                    offered, mistakes = _consult(provider)
                    manager.register(provider, name=f"{origin.distribution}:{point.name}")
                    specs += [replace(spec, **vars(origin)) for spec in offered]
                    broken += [BrokenProvider(**vars(origin), reason=f"{what}: {mistake}") for mistake in mistakes]
    return _settle(specs, broken, manager)


@contextmanager
def _kept_apart(broken: list[BrokenProvider], origin: Origin, what: str) -> Iterator[None]:
    """A context whose exceptions make a broken provider: a module may raise anything, SystemExit included."""
    try:
        yield
    except KeyboardInterrupt:
        raise
    except BaseException as cause:
        reason = str(cause) if isinstance(cause, PluginError) else explain(cause)
        broken.append(BrokenProvider(origin.distribution, origin.version, f"{what}: {reason}"))


def _distributions() -> Iterator[tuple[Distribution, Origin]]:
    """Distributions with our group. Of several installed copies of one, the first on sys.path counts."""
    seen = set()
    for found in distributions():
        if f"[{GROUP}]" not in _entry_points_text(found):
            continue
        origin = Origin(*(found.metadata.get_all(key, [""])[0] for key in ("Name", "Version")))
        canonical = re.sub(r"[-_.]+", "-", origin.distribution).lower()
        if canonical not in seen:
            seen.add(canonical)
            yield found, origin


def _entry_points_text(found: Distribution) -> str:
    try:
        return found.read_text("entry_points.txt") or ""
    except (OSError, UnicodeDecodeError):
        return ""


def _manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    return manager


def _consult(provider: object) -> tuple[list[PluginSpec], Sequence[PluginError]]:
    """The catalogue of one provider, and the mistakes in others of its entries; a separate manager checks its hooks."""
    manager = _manager()
    manager.register(provider)
    manager.check_pending()
    try:
        found = [spec for specs in manager.hook.gancore_catalogue() for spec in specs]
    except CatalogueError as error:
        return list(error.specs), error.mistakes
    specs = [spec for spec in found if isinstance(spec, PluginSpec)]
    wrong = [spec for spec in found if not isinstance(spec, PluginSpec)]
    return specs, [PluginError(f"gancore_catalogue should return PluginSpec objects, not {spec!r}") for spec in wrong]


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
