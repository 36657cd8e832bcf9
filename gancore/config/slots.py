"""The slots of an experiment: where a plugin is chosen, of which kind, and which other keys are allowed there.

This table is the only list of them. The short form NAME, resolving, plain data, compatibility, the JSON Schema, the
reference in docs/yaml.md and `gancore cite` all use it, so that another slot is one entry here (and its use in
gancore.composition).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gancore.config.sections.analyses import AnalysisKeys
from gancore.config.sections.data import DataKeys
from gancore.config.sections.evaluation import MetricKeys
from gancore.config.sections.observers import ObserverKeys
from gancore.config.yaml.document import Document, Key, Keys
from gancore.options import PluginConfig

ANY = "*"
"""Any key of a mapping, or any item of a list."""

KEY = r"[A-Za-z0-9_-]+"
"""Pattern of the keys of `regularizers`: they become parts of names in checkpoints and logs."""


@dataclass(frozen=True)
class Slot:
    """A place for NAME or {use: NAME, option: value}.

    keys: the path to it.
    kind: of the plugin.
    default: the plugin if none is named; ANY: the one with the name of the key.
    optional: whether null leaves it empty.
    own: keys of the core beside the plugin's options.
    beside: whether it only looks at the training or the trained model, so that results do not depend on it.
    later: whether it was added after the first runs, so that plain data without a choice omit it.
    contract, does: if plugins of a kind fit only one of two slots: the class of gancore.contracts that fits here, and
        what it does, for the message.
    """

    keys: Keys
    kind: str
    description: str = ""
    default: str | None = None
    optional: bool = False
    own: type[PluginConfig] = PluginConfig
    beside: bool = False
    later: bool = False
    contract: str = "Plugin"
    does: str = ""

    @property
    def name(self) -> str:
        """The last key that has a name."""
        return str([key for key in self.keys if key != ANY][-1])

    @property
    def inside(self) -> "tuple[Slot, ...]":
        """The slots within this one."""
        return tuple(slot for slot in SLOTS if slot.keys[:-1] == self.keys)

    @property
    def reserved(self) -> set[str]:
        """Keys that no option of a plugin here may have."""
        return {"use", *self.own.model_fields, *(slot.name for slot in self.inside)}

    def accepts(self, plugin: type[Any]) -> bool:
        """Whether a plugin of the kind fits here."""
        from gancore import contracts  # imports torch, which a plugin's class has done already

        return issubclass(plugin, getattr(contracts, self.contract))

    def default_at(self, keys: Keys) -> Any:
        """The plugin if none is named; None for none."""
        return keys[-1] if self.default == ANY else self.default


def _network(kind: str, default: str, normalization: str, description: str) -> tuple[Slot, ...]:
    return (
        Slot((kind,), kind, description, default),
        Slot(
            (kind, "normalization"),
            "normalization",
            "keeps the activations of every layer in bounds: NAME or {use: NAME, ...}",
            default=normalization,
            contract="Normalization",
            does="normalizes activations",
        ),
        Slot(
            (kind, "weight_normalization"),
            "normalization",
            "acts on every weight of the network (spectral); null for none",
            optional=True,
            contract="WeightNormalization",
            does="normalizes weights",
        ),
    )


SLOTS: tuple[Slot, ...] = (
    Slot(("data",), "dataset", "where images come from, and how they are fitted", own=DataKeys),
    *_network("generator", default="skip", normalization="demod", description="latents to images"),
    *_network("discriminator", default="residual", normalization="none", description="images to logits"),
    Slot(("loss",), "loss", "the adversarial loss", default="non_saturating"),
    Slot(
        ("regularizers", ANY),
        "regularizer",
        "any number; the key is the plugin unless `use` says otherwise; null removes an inherited one",
        default=ANY,
        optional=True,
    ),
    Slot(
        ("augmentation",),
        "augmentation",
        "changes reals and fakes before the discriminator sees them; null: none",
        optional=True,
    ),
    Slot(
        ("latent",),
        "latent",
        "where latents are drawn from; null: the generator's own law",
        optional=True,
        later=True,
    ),
    Slot(
        ("evaluation", "features"),
        "feature",
        "feature plugin of the metrics, if it provides what they need",
        default="inception",
    ),
    Slot(
        ("evaluation", "metrics", ANY),
        "metric",
        "metrics; the first one decides which model is the best",
        own=MetricKeys,
    ),
    Slot(
        ("evaluation", "metrics", ANY, "features"),
        "feature",
        "feature plugin (default: that of `evaluation.features`, or the standard)",
        optional=True,
    ),
    Slot(
        ("analyses", ANY),
        "analysis",
        "analyses of the trained model, for reports: a list of NAME or {use: NAME, ...}",
        own=AnalysisKeys,
        beside=True,
        later=True,
    ),
    Slot(
        ("analyses", ANY, "features"),
        "feature",
        "its feature plugin (default: the first of its list that is available)",
        optional=True,
    ),
    Slot(
        ("observers", ANY),
        "observer",
        "receive what the training reports: a list of NAME or {use: NAME, ...}",
        own=ObserverKeys,
        beside=True,
        later=True,
    ),
    Slot(("training", "optimizer"), "optimizer", "of both networks", default="adam"),
    Slot(("training", "generator_optimizer"), "optimizer", "keys in which the generator's differs", optional=True),
    Slot(
        ("training", "discriminator_optimizer"), "optimizer", "keys in which the discriminator's differs", optional=True
    ),
)

TOP = {slot.name: slot for slot in SLOTS if len(slot.keys) == 1 or slot.keys[1:] == (ANY,)}
"""The slots that are sections."""

LISTED = {name: slot for name, slot in TOP.items() if ANY in slot.keys and slot.default != ANY}
"""Those that are lists of choices; where the default is ANY, they are mappings."""


def slot_at(keys: Keys) -> Slot:
    """The slot at a place of a document. Raises KeyError."""
    for slot in SLOTS:
        if len(slot.keys) == len(keys) and all(key in (ANY, own) for key, own in zip(slot.keys, keys, strict=True)):
            return slot
    raise KeyError(keys)


def reserved(kind: str) -> set[str]:
    """Keys that no option of a plugin of this kind may have."""
    return {"use"}.union(*(slot.reserved for slot in SLOTS if slot.kind == kind))


def written(data: Any) -> Iterator[tuple[Keys, Slot]]:
    """Every place of a document that has a value for a slot."""
    for slot in SLOTS:
        for keys, _ in _places(data, slot.keys):
            yield keys, slot


def named(document: Document) -> Document:
    """The document with {use: NAME} for every short NAME, so that merging handles one form."""
    for slot in SLOTS:
        for keys, around in _places(document.data, slot.keys):
            if isinstance(name := around[keys[-1]], str):
                around[keys[-1]] = {"use": name}
                document.places[(*keys, "use")] = document.places[keys]
    return document


def _places(data: Any, pattern: Keys, keys: Keys = ()) -> Iterator[tuple[Keys, Any]]:
    """The paths that match a pattern in plain data, each with the mapping or list of its last key."""
    first, *rest = pattern
    there: list[Key] = []
    if isinstance(data, dict):
        there = list(data) if first == ANY else [first] * (first in data)
    elif isinstance(data, list) and first == ANY:
        there = list(range(len(data)))
    for key in there:
        if rest:
            yield from _places(data[key], tuple(rest), (*keys, key))
        else:
            yield (*keys, key), data
