"""gancore: a plugin-based, modular GAN architecture zoo for PyTorch.

The names below are imported on first use, so that `import gancore` is light.
"""

import importlib
from typing import TYPE_CHECKING, Any

from gancore.version import __version__ as __version__

if TYPE_CHECKING:
    from gancore.analysis.run import analyze as analyze
    from gancore.artifacts import load as load
    from gancore.composition import compose as compose
    from gancore.evaluation import evaluate as evaluate
    from gancore.grid.run import grid as grid
    from gancore.grid.show import show as show
    from gancore.hookspecs import hookimpl as hookimpl
    from gancore.sampling import sample as sample
    from gancore.training import train as train

_LAZY = {
    "analyze": "gancore.analysis.run",
    "load": "gancore.artifacts",
    "compose": "gancore.composition",
    "evaluate": "gancore.evaluation",
    "sample": "gancore.sampling",
    "show": "gancore.grid.show",
    "train": "gancore.training",
    "hookimpl": "gancore.hookspecs",
}


def __getattr__(name: str) -> Any:
    if name == "grid":  # a package that can be called
        return importlib.import_module("gancore.grid")
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_LAZY[name]), name)
