"""What holds in all tests: no model hub is asked for anything, and nothing is written to the user's data directory."""

import os
import signal
from collections.abc import Iterator

import pytest

os.environ["HF_HUB_OFFLINE"] = "1"  # before huggingface_hub is imported: it reads this once

for name in ("SIGHUP", "SIGUSR1", "SIGXCPU"):  # nohup ignores SIGHUP, and a run leaves ignored signals ignored
    if hasattr(signal, name):
        signal.signal(getattr(signal, name), signal.SIG_DFL)


@pytest.fixture(scope="session", autouse=True)
def data_directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A directory of its own for what gancore remembers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GANCORE_DATA", str(tmp_path_factory.mktemp("gancore_data")))
        yield


@pytest.fixture
def another_account(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is remembered: what was made before was made by somebody else."""
    monkeypatch.setenv("GANCORE_DATA", str(tmp_path_factory.mktemp("another_account")))
