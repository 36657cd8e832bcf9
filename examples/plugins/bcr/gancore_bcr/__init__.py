"""The provider of this distribution: light, it names its plugin without importing it (or torch)."""

from gancore import hookimpl
from gancore.registry import PluginSpec


@hookimpl
def gancore_catalogue() -> list[PluginSpec]:
    """One regularizer."""
    target = "gancore_bcr.bcr:BalancedConsistency"
    return [
        PluginSpec(
            kind="regularizer",
            name="bcr",
            target=target,
            summary="D says the same of an image and of the image changed",
        )
    ]
