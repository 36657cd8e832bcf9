"""The run folder: atomic writing, checkpoints, model files, `load`.

Looking at run folders must be light; code that reads and writes models is imported when it is first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

from gancore.artifacts.run import RunFolder as RunFolder

if TYPE_CHECKING:
    from gancore.artifacts.model import load as load
    from gancore.artifacts.model import save_model as save_model


def __getattr__(name: str) -> Any:
    if name not in ("load", "save_model"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module("gancore.artifacts.model"), name)
