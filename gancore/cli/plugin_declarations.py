"""What a plugin says of itself before it is built (options, requires, provides, problems), and what it logs after."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from torch import Tensor, nn

from gancore.config.evaluation import MetricKeys
from gancore.config.frame import NETWORK_KEYS, DataKeys
from gancore.contracts import Context, Part, PluginConfig
from gancore.errors import PluginError, did_you_mean
from gancore.kinds import KINDS

SLOTS = (*KINDS, "network")
"""What a requirement may speak of, before its colon."""

RESERVED: Mapping[str, Iterable[str]] = {
    "generator": NETWORK_KEYS,
    "discriminator": NETWORK_KEYS,
    "dataset": DataKeys.model_fields,
    "metric": MetricKeys.model_fields,
}
"""Keys of a section that are gancore's own, beside `use`."""


def check_declarations(plugin: type[Any], kind: str) -> str:
    """Looks at the class alone. Raises PluginError."""
    taken = sorted(plugin.Config.model_fields.keys() & {"use", *RESERVED.get(kind, ())})
    if taken:
        raise PluginError(f"options of a {kind} cannot be called {', '.join(taken)}: the key is gancore's own")
    if isinstance(plugin.provides, str) or not all(isinstance(word, str) for word in plugin.provides):
        raise PluginError(f"provides should be a set of words, frozenset({{'styles'}}), not {plugin.provides!r}")
    if not isinstance(plugin.requires, Mapping):
        raise PluginError(f"requires should be a mapping, {{'generator:styles': 'why'}}, not {plugin.requires!r}")
    for requirement, why in plugin.requires.items():
        _check_requirement(requirement, why)
    return f"options: {', '.join(plugin.Config.model_fields) or 'none'}"


def check_problems(plugin: type[Any], cfg: PluginConfig, context: Context) -> str:
    """Asks whether the plugin fits into a small composition. Raises PluginError where it does not answer in words."""
    for reason in plugin.problems(cfg, context):
        if not isinstance(reason, str):
            raise PluginError(f"problems() should yield sentences, not {reason!r}")
    return "problems: answers in words"


def check_scalars(network: nn.Module) -> str:
    """Raises PluginError unless every value to be logged, of all parts inside too, is a named number in a tensor."""
    for part in network.modules():
        for name, value in _scalars(part):
            if not (isinstance(name, str) and isinstance(value, Tensor) and value.ndim == 0):
                raise PluginError(f"scalars() should give tensors of one number, shape [], by name; {name!r} is none")
    return "scalars: numbers by name"


def _scalars(part: nn.Module) -> Iterator[tuple[object, object]]:
    if isinstance(part, Part):
        values: Any = part.scalars()
        if not isinstance(values, Mapping):
            raise PluginError(f"scalars() should give tensors by name, {{'p': tensor}}, not {values!r}")
        yield from values.items()


def _check_requirement(requirement: object, why: object) -> None:
    slot, _, word = requirement.partition(":") if isinstance(requirement, str) else ("", "", "")
    if not word or not isinstance(why, str):
        raise PluginError(f"requires should say {{'KIND:WORD': 'why'}}, not {{{requirement!r}: {why!r}}}")
    if slot not in SLOTS:
        raise PluginError(f"requires: {requirement!r} speaks of {slot!r}; {did_you_mean(slot, SLOTS)}")
