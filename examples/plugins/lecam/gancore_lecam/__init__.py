"""The provider of this distribution: light, it names its plugin without importing it (or torch)."""

from gancore import hookimpl
from gancore.registry import PluginSpec


@hookimpl
def gancore_catalogue() -> list[PluginSpec]:
    """One regularizer."""
    target = "gancore_lecam.lecam:LeCam"
    return [
        PluginSpec(
            kind="regularizer",
            name="lecam",
            target=target,
            summary="keeps D's logits near moving averages of the other side's",
        )
    ]
