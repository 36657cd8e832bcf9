"""What does not fit together, with the reason and the nearest valid choice; before anything is built.

Parts speak through `provides`, `requires` and `problems` of gancore.contracts.Plugin. A requirement "generator:styles"
is about the chosen generator; "network:..." of a normalization about the network it stands in, "normalization:..." of
a network about its own.
"""

from collections.abc import Callable, Iterator, Mapping
from difflib import SequenceMatcher
from functools import partial
from typing import TYPE_CHECKING, Any

from gancore.config.experiment import Experiment, NetworkPart, Part
from gancore.errors import PluginError, Problem
from gancore.registry import Registry, explain

if TYPE_CHECKING:
    from gancore.contracts import Context

Provided = Mapping[str, frozenset[str]]


def misfits(experiment: Experiment) -> list[Problem]:
    """All reasons why the chosen parts cannot work together; none for an experiment that may start."""
    slots = list(_wrong_slots(experiment))
    return slots or [
        problem for part, context in _contexts(experiment) for problem in _check(experiment, part, context)
    ]


def _wrong_slots(experiment: Experiment) -> Iterator[Problem]:
    """Weight normalizations among those of activations, and the other way round."""
    from gancore.contracts import Normalization, WeightNormalization

    for network in (experiment.generator, experiment.discriminator):
        for part, contract, key, other in (
            (network.normalization, Normalization, "normalization", "weight_normalization"),
            (network.weight_normalization, WeightNormalization, "weight_normalization", "normalization"),
        ):
            if part is not None and not issubclass(part.plugin, contract):
                acts = "activations" if contract is WeightNormalization else "weights"
                fit = _others(experiment.registry, part, partial(_is, contract))
                yield _problem(
                    experiment,
                    part,
                    f"{part.use!r} normalizes {acts}: write `{other}: {part.use}`; {_choose(key, fit)}",
                )


def _is(contract: type, plugin: type) -> bool:
    return issubclass(plugin, contract)


def _contexts(experiment: Experiment) -> Iterator[tuple[Part, "Context"]]:
    """Every part with what it may look at."""
    from gancore.contracts import Context, Interface

    core = experiment.data.core
    assert core.resolution is not None
    interface = Interface(core.resolution, core.channels, int(core.labels))
    provided = _provided(experiment)
    for part in experiment.parts():
        section = getattr(experiment, part.key.partition(".")[0])
        network = section if isinstance(section, NetworkPart) else None
        around = provided | _inside(network) if network else provided
        yield part, Context(interface, experiment.training.batch, network and network.network, around)


def _provided(experiment: Experiment) -> dict[str, frozenset[str]]:
    """The words that the chosen parts provide, by kind; several parts of one kind provide together."""
    outer = [part for part in experiment.parts() if part.kind != "normalization"]
    kinds = dict.fromkeys(part.kind for part in outer)
    return {kind: frozenset().union(*(p.plugin.provides for p in outer if p.kind == kind)) for kind in kinds}


def _inside(network: NetworkPart) -> dict[str, frozenset[str]]:
    inner = [part.plugin.provides for part in network.parts() if part is not network]
    return {"network": network.plugin.provides, "normalization": frozenset().union(*inner)}


def _check(experiment: Experiment, part: Part, context: "Context") -> Iterator[Problem]:
    for requirement, why in part.plugin.requires.items():
        if not _met(requirement, context.provided):
            yield _problem(experiment, part, _unmet(experiment, part, context, requirement, why))
    try:
        yield from [_problem(experiment, part, reason) for reason in part.plugin.problems(part.cfg, context)]
    except Exception as error:  # a plugin's own code
        yield _problem(experiment, part, f"{part.use!r} could not check whether it fits: {explain(error)}")


def _met(requirement: str, provided: Provided) -> bool:
    slot, _, word = requirement.partition(":")
    return word in provided.get(slot, frozenset())


def _unmet(experiment: Experiment, part: Part, context: "Context", requirement: str, why: str) -> str:
    """The reason, and what may be chosen instead on either side."""
    slot, _, word = requirement.partition(":")
    kind = str(context.network) if slot == "network" else slot
    there = [p for p in experiment.parts() if p.kind == kind]
    givers = _others(experiment.registry, there[0], lambda plugin: word in plugin.provides) if there else []
    frugal = _others(
        experiment.registry, part, lambda plugin: all(_met(need, context.provided) for need in plugin.requires)
    )
    has = f"{kind} {there[0].use!r} has none" if there else f"there is no {kind}"
    choices = [_choose(kind, givers), _choose(part.kind, frugal)]
    return f"{part.use!r} needs a {kind} with {word} ({why}), and {has}; {'; or '.join(filter(None, choices))}"


def _others(registry: Registry, part: Part, fits: Callable[[Any], bool]) -> list[str]:
    """Other plugins of a part's kind which fit, the most similar name first; broken ones are passed over."""
    found = []
    for spec in registry.specs(part.kind):
        try:
            if spec.name != part.use and fits(spec.load()):
                found.append(spec.name)
        except PluginError:
            continue
    return sorted(found, key=lambda name: -SequenceMatcher(None, part.use, name).ratio())


def _choose(kind: str, names: list[str]) -> str:
    return f"choose {kind} {' or '.join(names)}" if names else ""


def _problem(experiment: Experiment, part: Part, message: str) -> Problem:
    keys = tuple(part.key.split("."))
    return Problem(experiment.document.where((*keys, "use")), part.key, message)
