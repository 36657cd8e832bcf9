"""For all tests: no requests to a model hub, no files in the user's folders, no flushing to the disk, and the embedded
emoji are decoded once."""

import functools
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ["HF_HUB_OFFLINE"] = "1"  # before huggingface_hub is imported: it reads this once

for name in ("SIGHUP", "SIGUSR1", "SIGXCPU"):  # nohup ignores SIGHUP, and a run leaves ignored signals ignored
    if hasattr(signal, name):
        signal.signal(getattr(signal, name), signal.SIG_DFL)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With `--dist loadgroup` one worker has a whole file, and makes what it shares once; some files go together."""
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(str(item.path)))


@pytest.fixture(scope="session", autouse=True)
def no_waiting_for_a_disk() -> Iterator[None]:
    """Files are not flushed to the disk: no test ends by a power failure."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def decoded_images(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Directories of its own for what gancore remembers and keeps; gives that of decoded images.

    Images are kept however quickly they were decoded, and the code that they are known by is read once.
    """
    from gancore.data import cache_key, opening

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GANCORE_DATA", str(tmp_path_factory.mktemp("gancore_data")))
        patch.setenv("GANCORE_CACHE", str(tmp_path_factory.mktemp("gancore_cache")))
        patch.setattr(opening, "WORTH_KEEPING", -1.0)
        patch.setattr(cache_key, "code_hash", functools.cache(cache_key.code_hash))
        cache_key.cache_folder().mkdir()
        yield cache_key.cache_folder()


@pytest.fixture
def another_account(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is remembered: what was made before was made by somebody else."""
    monkeypatch.setenv("GANCORE_DATA", str(tmp_path_factory.mktemp("another_account")))
