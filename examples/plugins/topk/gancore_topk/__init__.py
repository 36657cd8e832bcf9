"""The provider of this distribution: light, it names its plugin without importing it (or torch)."""

from gancore import hookimpl
from gancore.registry import PluginSpec


@hookimpl
def gancore_catalogue() -> list[PluginSpec]:
    """One loss."""
    target = "gancore_topk.topk:TopK"
    return [
        PluginSpec(
            kind="loss", name="topk", target=target, summary="G learns from the generated images that D finds best"
        )
    ]
