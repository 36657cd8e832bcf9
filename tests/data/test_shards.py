"""Databases and shards hold the same images as a folder; what is damaged or foreign is one line."""

import gc
import importlib
import io
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gancore.cli import main
from gancore.errors import DataError

COUNT = 24


@pytest.fixture
def files(make: Any) -> list[bytes]:
    return [make.file(picture) for picture in make.pixels(COUNT)]


def folder_of(make: Any, path: Path, files: Sequence[bytes], label: Any) -> Path:
    """The same images in a folder, in the same order, which is that of their names."""
    return make.folder(path, {f"{label(i)}/{i:03}.png": content for i, content in enumerate(files)})


def tar(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, content in members.items():
            about = tarfile.TarInfo(name)
            about.size = len(content)
            archive.addfile(about, io.BytesIO(content))
    return path


@pytest.fixture
def shards(tmp_path: Path, files: list[bytes]) -> Path:
    """Shards 0 to 11 of two images, whose labels are their shards' halves; text comes before or after the image."""
    folder = tmp_path / "shards"
    folder.mkdir()
    for shard in range(12):
        members = {}
        for i in (2 * shard, 2 * shard + 1):
            parts = {f"{i:03}.png": files[i], f"{i:03}.cls": str(i // 12).encode(), f"{i:03}.txt": b"words"}
            members |= parts if i % 2 else dict(reversed(parts.items()))
        tar(folder / f"s-{shard}.tar", members)
    return folder


@pytest.fixture
def databases(tmp_path: Path, files: list[bytes]) -> Path:
    lmdb = pytest.importorskip("lmdb")
    folder = tmp_path / "databases"
    for label in range(2):
        (folder / str(label)).mkdir(parents=True)
        with lmdb.open(str(folder / str(label)), map_size=2**24) as env, env.begin(write=True) as transaction:
            for i in range(12 * label, 12 * label + 12):
                transaction.put(f"{i:03}".encode(), files[i])
    return folder


@pytest.mark.parametrize("use", ["webdataset", "lmdb"])
@pytest.mark.parametrize("decode", ["ahead", "on_the_fly"])
def test_as_a_folder(make: Any, tmp_path: Path, files: list[bytes], use: str, decode: str, request: Any) -> None:
    path = request.getfixturevalue({"webdataset": "shards", "lmdb": "databases"}[use])
    folder = folder_of(make, tmp_path / "folder", files, lambda i: i // 12)
    expected = make.open("folder", folder, labels=True)
    found = make.open(use, path, labels=True, decode=decode)
    assert found.identity.sha256 == expected.identity.sha256
    np.testing.assert_array_equal(found.images[:], expected.images)
    assert found.labels.tolist() == expected.labels.tolist()
    assert found.class_names == ["0", "1"]
    archive = tmp_path / "converted.zip"
    assert main(["data", "convert", str(path), str(archive)]) == 0
    assert make.open("zip", archive, labels=True).identity.sha256 == expected.identity.sha256
    assert main(["data", "info", str(path)]) == 0


@pytest.mark.parametrize("kept", [1000, 1024, 2048, 2500])
def test_a_truncated_shard(make: Any, shards: Path, kept: int) -> None:
    path = shards / "s-3.tar"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DataError, match=r"s-3\.tar: not a tar archive without compression, or damaged \("):
        make.open("webdataset", shards)


def test_shards_that_cannot_be_used(make: Any, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no shards"):
        make.dataset("webdataset", path=str(tmp_path / "empty"))
    with pytest.raises(DataError, match="no images in the shards"):
        make.open("webdataset", tar(tmp_path / "words.tar", {"a.txt": b"words"}))
    with pytest.raises(DataError, match="not a tar archive"):
        make.open("webdataset", tar(tmp_path / "label.tar", {"a.cls": b"cat"}))


def test_another_shard_is_other_data(make: Any, shards: Path) -> None:
    before = make.open("webdataset", shards).identity
    (shards / "s-11.tar").unlink()
    after = make.open("webdataset", shards).identity
    assert (before.count, after.count) == (COUNT, COUNT - 2)
    assert before.sha256 != after.sha256


def test_foreign_databases(make: Any, tmp_path: Path) -> None:
    lmdb = pytest.importorskip("lmdb")
    with lmdb.open(str(tmp_path / "words"), map_size=2**20) as env, env.begin(write=True) as transaction:
        transaction.put(b"key", b"value")
    with pytest.raises(DataError, match="a database, but its first value is not an image file"):
        make.open("lmdb", tmp_path / "words")
    (tmp_path / "noise").mkdir()
    (tmp_path / "noise" / "data.mdb").write_bytes(b"noise" * 5000)
    with pytest.raises(DataError, match="noise: not an LMDB database, or damaged"):
        make.open("lmdb", tmp_path / "noise")
    with pytest.raises(DataError, match="no LMDB database"):
        make.dataset("lmdb", path=str(tmp_path / "none"))


def test_a_database_is_opened_again_now_and_then(make: Any, databases: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read stays mapped until then; the images are the same, whenever that is."""
    module = importlib.import_module("gancore_plugins.datasets.lmdb")
    expected = make.open("lmdb", databases)
    opened, environment = [], module._environment
    monkeypatch.setattr(module, "_environment", lambda path: opened.append(path) or environment(path))
    monkeypatch.setattr(module, "MAPPED", 0)
    monkeypatch.setattr(module, "KEYS", 5)
    gc.collect()
    found = make.open("lmdb", databases, decode="on_the_fly")
    np.testing.assert_array_equal(found.images[:], expected.images)
    assert len(opened) > COUNT


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.95])
def test_a_truncated_database(make: Any, databases: Path, kept: float) -> None:
    """It would be a signal that kills the process, if what is missing were read."""
    file = databases / "0" / "data.mdb"
    with file.open("r+b") as opened:
        opened.truncate(int(file.stat().st_size * kept))
    with pytest.raises(DataError, match=r"0: not an LMDB database, or damaged \(truncated: "):
        make.open("lmdb", databases)


def test_a_database_that_is_replaced_while_it_is_read(
    make: Any, databases: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.import_module("gancore_plugins.datasets.lmdb"), "MAPPED", 0)
    items = make.dataset("lmdb", path=str(databases)).items()
    items[0].read()
    (databases / "0" / "data.mdb").write_bytes((databases / "1" / "data.mdb").read_bytes())
    with pytest.raises(DataError, match="was replaced while it was read"):
        items[0].read()
