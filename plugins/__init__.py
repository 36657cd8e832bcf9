"""The first-party plugins, which come in by the same door as anyone's.

This is their provider: it reads the catalogue, registry.yaml, and imports no plugin. In a checkout the catalogue
lies beside this folder, in a wheel inside the package.
"""

from pathlib import Path

from gancore.catalogue import read_catalogue
from gancore.hookspecs import hookimpl
from gancore.registry import PluginSpec


@hookimpl
def gancore_catalogue() -> list[PluginSpec]:
    """The plugins listed in registry.yaml."""
    here = Path(__file__).parent
    packaged = here / "registry.yaml"
    return read_catalogue(packaged if packaged.exists() else here.parent / "registry.yaml", package=__name__)
