"""The twelve kinds of plugins, and the contract each kind keeps. Nothing here imports torch."""

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
        "dataset": ("Dataset",),
        "metric": ("Metric",),
        "feature": ("Feature",),
        "analysis": ("Analysis",),
        "format": ("Format",),
    }
)
"""Kind to the classes of gancore.contracts, one of which a plugin of that kind is derived from."""

KINDS: tuple[str, ...] = tuple(CONTRACTS)
"""The kinds in the order in which they are listed."""
