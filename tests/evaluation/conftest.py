"""Statistics are kept in a folder of the test, downloads are looked for in an empty one and never fetched."""

from pathlib import Path

import pytest
import torch


@pytest.fixture(autouse=True)
def own_statistics(tmp_path: Path, decoded_images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "data").symlink_to(decoded_images)
    monkeypatch.setenv("GANCORE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def no_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without downloaded weights and without a network; gives the folder where they would lie."""

    def no_network(*_: object, **__: object) -> None:
        raise OSError("no network here")

    monkeypatch.delenv("GANCORE_INCEPTION_WEIGHTS", raising=False)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    monkeypatch.setattr(torch.hub, "download_url_to_file", no_network)
    return tmp_path / "hub" / "checkpoints"
