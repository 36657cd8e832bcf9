"""The grid that trains plugins beside built-in ones: for `gancore plugins compare`, and grid.yaml of a new package.

Small networks on the emoji of gancore; a cell takes about a minute of one core.
"""

from collections.abc import Callable, Mapping, Sequence, Set
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

BASE: Mapping[str, Any] = {
    "data": {"use": "emoji", "resolution": 32, "mirror": True},
    "generator": {
        "use": "skip",
        "normalization": "demod",
        "z_dim": 64,
        "w_dim": 64,
        "mapping": {"layers": 2},
        "channels": {"base": 512, "max": 32},
    },
    "discriminator": {"use": "residual", "channels": {"base": 512, "max": 32}},
    "training": {
        "kimg": 4,
        "batch": 16,
        "ema": {"halflife_kimg": 0.5, "rampup": 0.05},
        "log_kimg": 0.25,
        "sample_kimg": 2,
        "checkpoint_kimg": 4,
        "keep_checkpoints": 1,
    },
    "evaluation": {"features": "embedded", "metrics": ["fid"], "every_kimg": 2, "samples": 1000},
}
"""The experiment around a plugin."""

NETWORKS = {"generator.use": ["skip", "residual"]}
"""The axis where plugins do not change the training: all of them look at the same networks."""

Value = Callable[[str, Set[str]], Any]
"""A plugin's name, and what it provides, to the value that chooses it."""


def _use(name: str, provides: Set[str]) -> Any:
    return {"use": name}


def _generator(name: str, provides: Set[str]) -> Any:
    """Without styles there is nothing that the normalization of the styled ones could follow."""
    return {"use": name} if "styles" in provides else {"use": name, "normalization": "none"}


@dataclass(frozen=True)
class Comparison:
    """How plugins of a kind are compared.

    key: the dotted key that chooses one; in a list, one of several.
    beside: the built-in plugins, with what they provide where `value` asks.
    none, nothing: the label of a cell without any, and the value there; "" if there must be one.
    together: whether they do not change the training, so that every cell has them all.
    """

    key: str
    beside: Sequence[str]
    value: Value = _use
    none: str = ""
    nothing: Any = None
    together: bool = False

    def choosing(self, name: str, provides: Set[str] = frozenset()) -> dict[str, Any]:
        """The part of an experiment that chooses one plugin."""
        value = self.value(name, provides)
        return _nested(self.key, [value] if self.together else value)

    def grid(self, plugins: Mapping[str, Set[str]]) -> dict[str, Any]:
        """The part of an experiment that has plugins (with what each provides) and built-in ones beside them."""
        values = {name: self.value(name, provides) for name, provides in plugins.items()}
        values |= {name: self.value(name, {"styles"}) for name in self.beside if name not in plugins}
        if self.together:
            return {**_nested(self.key, list(values.values())), "grid": {"axes": NETWORKS}}
        return {"grid": {"axes": {self.key: values | ({self.none: self.nothing} if self.none else {})}}}


COMPARISONS: Mapping[str, Comparison] = {
    "normalization": Comparison("generator.normalization", ("demod", "instance")),
    "weight_normalization": Comparison("discriminator.weight_normalization", ("spectral",), none="none"),
    "generator": Comparison("generator", ("skip", "residual"), _generator),
    "discriminator": Comparison("discriminator", ("residual", "skip")),
    "regularizer": Comparison("regularizers", ("r1",), lambda name, _: {name: {}}, none="none", nothing={}),
    "loss": Comparison("loss", ("non_saturating", "hinge")),
    "augmentation": Comparison("augmentation", ("diffaug",), none="none"),
    "latent": Comparison("latent", ("sphere",), none="own"),
    "optimizer": Comparison("training.optimizer", ("adam", "rmsprop")),
    "dataset": Comparison("data", ("emoji",), lambda name, _: {**BASE["data"], "use": name}),
    "metric": Comparison("evaluation.metrics", ("fid", "kid"), together=True),
    "feature": Comparison(
        "evaluation.metrics", ("embedded",), lambda name, _: {"use": "fd", "features": name}, together=True
    ),
    "analysis": Comparison("analyses", ("droplets", "resolution_usage"), together=True),
    "observer": Comparison("observers", ("csv",), together=True),
}
"""By kind; weight normalizations are a kind here."""


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`changes` over `base`: mappings key by key; everything else, and the options of another plugin, as a whole."""
    if changes.get("use", base.get("use")) != base.get("use"):
        return dict(changes)
    both = deepcopy(dict(base))
    for key, value in changes.items():
        inner = both.get(key)
        both[key] = merged(inner, value) if isinstance(inner, dict) and isinstance(value, Mapping) else value
    return both


def _nested(key: str, value: Any) -> dict[str, Any]:
    """a.b -> {a: {b: value}}."""
    first, _, rest = key.partition(".")
    return {first: _nested(rest, value) if rest else value}
