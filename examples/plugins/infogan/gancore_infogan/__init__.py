"""The provider of this distribution: light, it names its plugin without importing it (or torch)."""

from gancore import hookimpl
from gancore.registry import PluginSpec


@hookimpl
def gancore_catalogue() -> list[PluginSpec]:
    """One regularizer."""
    target = "gancore_infogan.infogan:InfoGAN"
    return [
        PluginSpec(
            kind="regularizer",
            name="infogan",
            target=target,
            summary="a network Q reads numbers of z from generated images",
        )
    ]
