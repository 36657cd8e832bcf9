import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gancore.config.sections.data import DataKeys
from gancore.contracts import Dataset
from gancore.data import ImageData, open_data
from gancore.discovery import discover


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own; gives the folder of decoded images."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("GANCORE_CACHE", str(folder))
    return folder / "data"


class Make:
    """Makes images, files and data sets of known content."""

    @staticmethod
    def pixels(count: int, size: int = 16, channels: int = 3, seed: int = 0) -> np.ndarray:
        """uint8 [M, R, R, C]."""
        return np.random.default_rng(seed).integers(0, 256, (count, size, size, channels), dtype=np.uint8)

    @staticmethod
    def file(pixels: np.ndarray | Image.Image, format: str = "PNG", **options: Any) -> bytes:
        image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels.squeeze())
        out = io.BytesIO()
        image.save(out, format, **options)
        return out.getvalue()

    @staticmethod
    def folder(path: Path, files: Mapping[str, bytes]) -> Path:
        for name, content in files.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(content)
        return path

    @staticmethod
    def zip(path: Path, files: Mapping[str, bytes], index: Any = None) -> Path:
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
            if index is not None:
                archive.writestr("dataset.json", json.dumps(index))
        return path

    @staticmethod
    def idx(path: Path, values: np.ndarray) -> Path:
        head = bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">u4").tobytes()
        path.write_bytes(head + values.astype(np.uint8).tobytes())
        return path

    @staticmethod
    def dataset(use: str, base: Path = Path(), **options: Any) -> Dataset:
        plugin = discover().get("dataset", use).load()
        dataset: Dataset = plugin(plugin.Config(**options), base)
        return dataset

    def open(self, use: str, path: Path, **keys: Any) -> ImageData:
        return open_data(self.dataset(use, path=str(path)), DataKeys(**keys))

    def pictures(self, pixels: Sequence[np.ndarray]) -> dict[str, bytes]:
        """Files a.png, b.png, ... of the pictures."""
        return {f"{chr(97 + i)}.png": self.file(picture) for i, picture in enumerate(pixels)}


@pytest.fixture
def make() -> Make:
    return Make()
