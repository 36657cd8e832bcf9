"""Experiments of fake plugins, from files in a fresh folder."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.option_plugins import PLUGINS, FakeSpec

from gancore.config import Experiment, load_experiment
from gancore.discovery import discover
from gancore.registry import Registry


@pytest.fixture(scope="session")
def registry() -> Registry:
    return Registry(
        {
            (kind, name): FakeSpec(
                kind, name, "fakes:Fake", f"a fake {kind}", distribution="fakes", version="1", made=made
            )
            for kind, plugins in PLUGINS.items()
            for name, made in plugins.items()
        }
    )


@pytest.fixture
def load(registry: Registry) -> Callable[..., Experiment]:
    """`load(source, "-o override", ...)` with the fakes."""

    def load(source: Any, *overrides: str, **options: Any) -> Experiment:
        return load_experiment(source, overrides, registry, **options)

    return load


@pytest.fixture
def fakes(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The command line finds the fakes and nothing else, by the one function that modules may have imported already."""
    monkeypatch.setattr("gancore.discovery._settle", lambda *found: registry)
    discover.cache_clear()
    yield
    discover.cache_clear()


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """`write("name.yaml", text)` in a fresh working directory; gives the relative path."""
    monkeypatch.chdir(tmp_path)

    def write(name: str, text: str) -> Path:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text, encoding="utf-8")
        return Path(name)

    return write
