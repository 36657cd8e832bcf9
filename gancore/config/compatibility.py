"""Which parts do not fit together, with the reason and the nearest valid choice; before anything is built.

Parts declare this through `provides`, `requires` and `problems` of gancore.contracts.Plugin. A requirement
"generator:styles" is about the chosen generator; "network:..." of a normalization about its network,
"normalization:..." of a network about its own.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import replace
from difflib import SequenceMatcher
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

from gancore.config.experiment import Chosen, ChosenNetwork, Experiment
from gancore.config.slots import SLOTS
from gancore.config.yaml.document import Keys, dotted
from gancore.errors import PluginError, Problem
from gancore.registry import Registry, explain

if TYPE_CHECKING:
    from gancore.contracts import Context

NOTHING: frozenset[str] = frozenset()
GROWTH = ("training", "growth")


def misfits(experiment: Experiment, registry: Registry) -> list[Problem]:
    """All reasons why the chosen parts cannot work together, with alternatives from the registry."""
    check = _Check(experiment, registry)
    return list(check.declarations()) or list(check.slots()) or [*check.fit(), *check.growth()]


class _Check:
    def __init__(self, experiment: Experiment, registry: Registry) -> None:
        self.experiment, self.registry = experiment, registry
        self.parts = experiment.parts()

    @cached_property
    def provided(self) -> dict[str, frozenset[str]]:
        return _provided(self.parts)

    def declarations(self) -> Iterator[Problem]:
        """Plugins whose `provides` or `requires` break the contract, so that nothing else can be checked."""
        for part in self.parts:
            provides, requires = part.plugin.provides, part.plugin.requires
            if not (isinstance(provides, Set) and _are_words(provides)):
                yield self.problem(part, f"{part.spec.title} provides {provides!r}; it should be a set, {{'word'}}")
            if not (isinstance(requires, Mapping) and _are_words([*requires, *requires.values()])):
                should = "it should be a mapping, {'kind:word': 'why'}"
                yield self.problem(part, f"{part.spec.title} requires {requires!r}; {should}")

    def slots(self) -> Iterator[Problem]:
        """Plugins in a slot of their kind that is for others, such as weight normalizations for activations."""
        for part in self.parts:
            if not part.slot.accepts(part.plugin):
                beside = [slot for slot in SLOTS if slot.kind == part.kind and slot.keys[:-1] == part.slot.keys[:-1]]
                right = next(slot for slot in beside if slot.accepts(part.plugin))
                choice = _choose(part.key, self.others(part, part.slot.accepts))
                yield self.problem(part, f"{part.use!r} {right.does}; write `{right.name}: {part.use}`; here {choice}")

    def fit(self) -> Iterator[Problem]:
        """Unmet requirements of parts, and their own complaints about sizes."""
        for part in self.parts:
            if part.slot.beside:  # analyses check this with a model; observers fit everywhere
                continue
            context = self.context(part)
            for requirement, why in part.plugin.requires.items():
                if not _met(requirement, context):
                    yield self.problem(part, self.unmet(part, context, requirement, why))
            try:
                yield from [self.problem(part, reason) for reason in self.reasons(part, context)]
            except Exception as error:  # a plugin's own code
                yield self.problem(part, f"{part.spec.title} could not check whether it fits: {explain(error)}")

    def reasons(self, part: Chosen, context: "Context") -> list[str]:
        """The complaints of a part about sizes: those of the images, and of every batch of the training."""
        batches = self.experiment.training.batches(self.resolution)
        each = (part.plugin.problems(part.cfg, replace(context, batch=batch)) for batch in sorted(batches))
        return list(dict.fromkeys(chain.from_iterable(each)))

    def growth(self) -> Iterator[Problem]:
        """Reasons why the networks cannot grow as `training.growth` says."""
        if (growth := self.experiment.training.growth) is None:
            return
        for network in (self.experiment.generator, self.experiment.discriminator):
            if "growth" not in network.plugin.provides:
                others = self.others(network, lambda plugin: "growth" in plugin.provides)
                why = f"{network.key} {network.use!r} cannot grow: it works at one resolution only"
                yield self.at(GROWTH, "; ".join(filter(None, [why, _choose(network.key, others)])))
        for keys, what in growth.misfits(self.resolution):
            yield self.at((*GROWTH, *keys), what)

    @property
    def resolution(self) -> int:
        return self.experiment.data.core.resolution or 0

    def context(self, part: Chosen) -> "Context":
        """The context of a part. The number of classes is known when the data are read; here it is 0 or 1."""
        from gancore.contracts import Context, Interface

        core, batch = self.experiment.data.core, self.experiment.training.batch
        interface = Interface(self.resolution, core.channels, int(core.labels))
        section = getattr(self.experiment, part.key.partition(".")[0])
        if not isinstance(section, ChosenNetwork):
            return Context(interface, batch, None, self.provided)
        inner = _provided(inner for inner in section.parts() if inner is not section)
        own = {"network": section.plugin.provides, "normalization": inner.get("normalization", NOTHING)}
        return Context(interface, batch, section.network, self.provided | own)

    def unmet(self, part: Chosen, context: "Context", requirement: str, why: str) -> str:
        """The reason, and the alternatives on either side."""
        slot, _, word = requirement.partition(":")
        kind = str(context.network) if slot == "network" else slot
        there = next((other for other in self.parts if other.kind == kind), None)
        givers = self.others(there, lambda plugin: word in plugin.provides) if there else []
        has = f"{kind} {there.use!r} has none" if there else f"there is no {kind}"
        choices = filter(None, [_choose(kind, givers), self.instead(part, context)])
        a_kind = f"{'an' if kind[0] == 'a' else 'a'} {kind}"
        return f"{part.use!r} needs {a_kind} with {word} ({why}), and {has}; {' or '.join(choices)}"

    def instead(self, part: Chosen, context: "Context") -> str:
        """What to do without a part whose requirements are not met."""
        if part.slot.optional:
            return f"leave it out ({part.key}: null)"
        contract = _contract(part.plugin)
        frugal = self.others(
            part, lambda plugin: issubclass(plugin, contract) and all(_met(need, context) for need in plugin.requires)
        )
        return _choose(part.key, frugal)

    def others(self, part: Chosen, fits: Callable[[Any], bool]) -> list[str]:
        """Other plugins that fit the slot of a part, the most similar name first; broken ones are left out."""
        found = []
        for spec in self.registry.specs(part.kind):
            try:
                if spec.name != part.use and fits(spec.load()):
                    found.append(spec.name)
            except (PluginError, TypeError):  # TypeError: declarations that are no words
                continue
        return sorted(found, key=lambda name: -SequenceMatcher(None, part.use, name).ratio())

    def at(self, keys: Keys, message: str) -> Problem:
        return Problem(self.experiment.document.where(keys), dotted(keys), message)

    def problem(self, part: Chosen, message: str) -> Problem:
        where = self.experiment.document.where((*part.key.split("."), "use"))
        return Problem(where, part.key, message)


def _provided(parts: Iterable[Chosen]) -> dict[str, frozenset[str]]:
    """The words that parts provide, by kind; several parts of one kind provide together."""
    words: dict[str, frozenset[str]] = {}
    for part in parts:
        words[part.kind] = words.get(part.kind, NOTHING) | part.plugin.provided_with(part.cfg)
    return words


def _met(requirement: str, context: "Context") -> bool:
    slot, _, word = requirement.partition(":")
    return word in context.provided.get(slot, NOTHING)


def _are_words(values: Iterable[Any]) -> bool:
    return all(isinstance(value, str) for value in values)


def _contract(plugin: type) -> type:
    """The class of gancore.contracts that a plugin is derived from."""
    return next(base for base in plugin.__mro__ if base.__module__.startswith("gancore.contracts."))


def _choose(key: str, names: list[str]) -> str:
    return f"choose {key} {', '.join(names)}" if names else ""
