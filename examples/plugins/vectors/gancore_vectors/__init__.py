"""The provider of this distribution: light, it names its plugin without importing it (or torch)."""

from gancore import hookimpl
from gancore.registry import PluginSpec


@hookimpl
def gancore_catalogue() -> list[PluginSpec]:
    """One dataset."""
    target = "gancore_vectors.vectors:Vectors"
    summary = "images of a folder, labelled by vectors from a file"
    return [PluginSpec(kind="dataset", name="vectors", target=target, summary=summary)]
