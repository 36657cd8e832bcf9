"""The kinds of plugins, and the contract of each. Nothing here imports torch."""

from collections.abc import Mapping
from types import MappingProxyType

CONTRACTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "normalization": ("Normalization", "WeightNormalization"),
        "generator": ("Generator",),
        "discriminator": ("Discriminator",),
        "regularizer": ("Regularizer",),
        "loss": ("Loss",),
        "augmentation": ("Augmentation",),
        "latent": ("Latent",),
        "optimizer": ("Optimizer",),
        "dataset": ("Dataset",),
        "metric": ("Metric",),
        "feature": ("Feature",),
        "analysis": ("Analysis",),
        "observer": ("Observer",),
        "format": ("Format",),
    }
)
"""Kinds to classes of gancore.contracts; a plugin of the kind is derived from one of them."""

KINDS: tuple[str, ...] = tuple(CONTRACTS)
"""The kinds in the order of lists."""
