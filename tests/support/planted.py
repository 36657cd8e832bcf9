"""Packages that a test writes, imports, and changes."""

import importlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest


@contextmanager
def planted(folder: Path, files: Mapping[str, str], module: str) -> Iterator[ModuleType]:
    """A module of the package whose files (by path) are written below `folder`; forgotten at the end.

    No bytecode is left, which would be taken for that of a file that is changed within the same second.
    """
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    package = module.partition(".")[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "dont_write_bytecode", True)
        patch.syspath_prepend(folder)
        yield importlib.import_module(module)
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        del sys.modules[name]
