"""The provider of this distribution: light, it names its plugin without importing it (or torch)."""

from gancore import hookimpl
from gancore.registry import PluginSpec


@hookimpl
def gancore_catalogue() -> list[PluginSpec]:
    """One regularizer."""
    target = "gancore_dragan.dragan:DRAGAN"
    return [
        PluginSpec(
            kind="regularizer", name="dragan", target=target, summary="the gradient of D has norm one near real images"
        )
    ]
