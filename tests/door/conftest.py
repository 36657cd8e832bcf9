"""Little distributions on sys.path, as pip would leave them, without pip."""

import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest
from support.distributions import write_dist_info

from gancore.discovery import discover


class Install(Protocol):
    def __call__(self, distribution: str, module: str, code: str, *, version: str = ..., entry: str = ...) -> None: ...


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder on sys.path; what was imported from it is forgotten afterwards."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    discover.cache_clear()
    yield folder
    discover.cache_clear()
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture
def install(site: Path) -> Install:
    """Writes a one-module distribution with an entry point, e.g. install("their-plugins", "theirs", CODE)."""

    def write(distribution: str, module: str, code: str, *, version: str = "1.0", entry: str = "builtin") -> None:
        (site / f"{module}.py").write_text(textwrap.dedent(code))
        write_dist_info(site, distribution, version, f"[gancore]\n{entry} = {module}\n")

    return write
