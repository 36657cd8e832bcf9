"""The cache: hit, missed after any change, verified, mapped beyond the limit, shared by processes."""

import json
import logging
import multiprocessing
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.killing import open_when_told, start

from gancore.config.sections.data import DataKeys
from gancore.contracts import Dataset
from gancore.data import ImageData, open_data, opening, reading, store
from gancore.data.decode import Picture, decode_picture
from gancore.errors import DataError

pytestmark = pytest.mark.xdist_group("processes")


@pytest.fixture(autouse=True)
def _keep_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "WORTH_KEEPING", -1.0)


@pytest.fixture
def folder(make: Any, tmp_path: Path) -> Path:
    files = {f"{'xy'[i % 2]}/{i}.png": make.file(picture) for i, picture in enumerate(make.pixels(20))}
    return make.folder(tmp_path / "images", files)


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A 1 for every image that is decoded."""
    calls: list[int] = []

    def counted(*args: Any) -> Picture:
        calls.append(1)
        return decode_picture(*args)

    monkeypatch.setattr(reading, "decode_picture", counted)
    return calls


def same(one: ImageData, other: ImageData) -> bool:
    assert one.labels is not None
    assert other.labels is not None
    return (
        np.array_equal(one.images, other.images)
        and np.array_equal(one.labels, other.labels)
        and one.identity == other.identity
        and one.skipped == other.skipped
        and one.class_names == other.class_names
    )


def test_decoded_once(make: Any, folder: Path, decoded: list[int], cache: Path) -> None:
    (folder / "x" / "bad.png").write_bytes(b"bad")
    first = make.open("folder", folder, labels=True, invalid="skip")
    again = make.open("folder", folder, labels=True, invalid="skip", mirror=False)
    assert len(decoded) == 21
    assert same(first, again)
    assert again.skipped == ["x/bad.png: not an image of a kind that is read here"]
    assert [path.suffix for path in cache.iterdir()] == [".images"]


def test_not_kept_when_decoding_is_quick(make: Any, folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "WORTH_KEEPING", 1e9)
    make.open("folder", folder)
    assert not cache.exists()


@pytest.mark.parametrize("change", ["touch", "content", "new file", "removed file", "label", "keys"])
def test_decoded_again_after_a_change(make: Any, folder: Path, decoded: list[int], change: str) -> None:
    before = make.open("folder", folder, labels=True)
    count = len(decoded)
    image = folder / "x" / "0.png"
    keys: dict[str, Any] = {}
    if change == "touch":
        os.utime(image, (1, 1))
    elif change == "content":
        image.write_bytes(make.file(make.pixels(1, seed=9)[0]))
    elif change == "new file":
        (folder / "x" / "z.png").write_bytes(image.read_bytes())
    elif change == "removed file":
        image.unlink()
    elif change == "label":
        image.rename(folder / "y" / "0.png")
    else:
        keys = {"channels": 1}
    after = make.open("folder", folder, labels=True, **keys)
    assert len(decoded) > count
    assert (before.identity == after.identity) == (change == "touch")


def test_labels_are_never_those_of_before(make: Any, tmp_path: Path) -> None:
    folder = make.folder(tmp_path / "f", make.pictures(make.pixels(2)))
    for labels in ([0, 1], [1, 0]):
        index = {"labels": [["a.png", labels[0]], ["b.png", labels[1]]]}
        (folder / "dataset.json").write_text(json.dumps(index))
        assert make.open("folder", folder, labels=True).labels.tolist() == labels


def test_labels_come_and_go_with_the_option(make: Any, folder: Path) -> None:
    for labels in (False, True, False):
        data = make.open("folder", folder, labels=labels)
        assert (data.interface.label_dim, data.labels is not None) == (2 * labels, labels)


def test_archives_are_known_by_content_not_by_time(make: Any, tmp_path: Path, decoded: list[int]) -> None:
    path = make.zip(tmp_path / "a.zip", make.pictures(make.pixels(3)))
    before = make.open("zip", path)
    os.utime(path, (1, 1))
    make.open("zip", path)
    assert len(decoded) == 3
    stat = path.stat()
    make.zip(path, make.pictures(make.pixels(3, seed=1)))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert make.open("zip", path).identity.sha256 != before.identity.sha256


def test_an_archive_that_is_replaced_while_it_is_open_is_not_kept_as_the_new_one(
    make: Any, tmp_path: Path, cache: Path
) -> None:
    path = make.zip(tmp_path / "a.zip", make.pictures(make.pixels(3)))
    dataset = make.dataset("zip", path=str(path))
    assert len(dataset.items()) == 3
    os.replace(make.zip(tmp_path / "b.zip", make.pictures(make.pixels(3, seed=1))), path)
    with pytest.raises(DataError, match=r"a\.zip: was replaced while it was read"):
        open_data(dataset, DataKeys())
    assert not cache.exists()
    assert make.open("zip", path).identity.sha256 == make.open("zip", path).identity.sha256


@pytest.mark.parametrize("fault", ["first byte", "tail", "truncated", "empty", "text", "longer"])
def test_damage_is_noticed_told_and_mended(
    make: Any, folder: Path, cache: Path, decoded: list[int], caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    before = make.open("folder", folder, labels=True)
    (path,) = cache.iterdir()
    content = path.read_bytes()
    damaged = {
        "first byte": bytes([content[0] ^ 1]) + content[1:],
        "tail": content[:-1] + bytes([content[-1] ^ 1]),
        "truncated": content[: len(content) // 2],
        "empty": b"",
        "text": content.replace(b'"skipped": []', b'"skipped": [ '),
        "longer": b"\0" + content,
    }[fault]
    path.write_bytes(damaged)
    with caplog.at_level(logging.WARNING):
        after = make.open("folder", folder, labels=True)
    assert same(before, after)
    assert "is damaged" in caplog.text
    assert len(decoded) == 40
    assert path.read_bytes() == content


@pytest.mark.parametrize("limit", [0, 2**30])
def test_mapped_beyond_the_limit(make: Any, folder: Path, cache: Path, limit: int) -> None:
    (folder / "x" / "bad.png").write_bytes(b"bad")
    keys = DataKeys(labels=True, invalid="skip")
    dataset = make.dataset("folder", path=str(folder))
    plain = open_data(dataset, keys, cache_dir=folder / "other")
    for _ in range(2):  # built, then loaded
        data = open_data(dataset, keys, memory_limit=limit)
        assert is_mapped(data.images) == (limit == 0)
        assert same(data, plain)
        assert torch.equal(data.batch(torch.arange(20), None, "cpu"), plain.batch(torch.arange(20), None, "cpu"))
    assert len(list(cache.iterdir())) == 1


def is_mapped(array: Any) -> bool:
    while array is not None and not isinstance(array, np.memmap):
        array = getattr(array, "base", None)
    return array is not None


def test_a_source_of_unknown_files_is_mapped_but_not_kept(
    make: Any, folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset: Dataset = make.dataset("folder", path=str(folder))
    monkeypatch.setattr(dataset, "sources", lambda: None)
    data = open_data(dataset, DataKeys(labels=True), memory_limit=0)
    assert is_mapped(data.images)
    assert same(data, open_data(dataset, DataKeys(labels=True)))
    assert list(cache.iterdir()) == []


def test_a_failed_build_leaves_nothing(make: Any, folder: Path, cache: Path) -> None:
    (folder / "x" / "bad.png").write_bytes(b"bad")
    with pytest.raises(DataError, match="1 of 21 images"):
        open_data(make.dataset("folder", path=str(folder)), DataKeys(), memory_limit=0)
    assert list(cache.iterdir()) == []


def test_what_a_killed_process_was_building_goes_an_hour_later(make: Any, folder: Path, cache: Path) -> None:
    cache.mkdir(parents=True)
    for name, age in (("building-old", 4000), ("building-new", 1000)):
        (cache / name).write_bytes(b"pixels")
        os.utime(cache / name, (time.time() - age,) * 2)
    (cache / "building-folder").mkdir()
    os.utime(cache / "building-folder", (time.time() - 4000,) * 2)
    make.open("folder", folder)
    assert {path.name for path in cache.iterdir() if path.suffix != ".images"} == {"building-new"}


def test_a_cache_that_cannot_be_written(
    make: Any, folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file, where a folder should be")
    dataset = make.dataset("folder", path=str(folder))
    with caplog.at_level(logging.WARNING):
        assert len(open_data(dataset, DataKeys(), cache_dir=blocked)) == 20
    assert "cannot be kept" in caplog.text
    with pytest.raises(DataError, match="GANCORE_CACHE may name another folder"):
        open_data(dataset, DataKeys(), cache_dir=blocked, memory_limit=0)


def test_two_processes_may_build_at_once(make: Any, folder: Path, cache: Path) -> None:
    """The other builds the file in place, this one in memory."""
    mine, its = multiprocessing.Pipe()
    other = start(open_when_told, its, folder, environment={"GANCORE_CACHE": str(cache.parent)})
    assert mine.recv() == "ready"
    mine.send("go")
    sha256 = make.open("folder", folder, labels=True).identity.sha256
    answer = mine.recv()
    other.join()
    assert other.exitcode == 0
    (path,) = cache.iterdir()
    loaded = store.load(path, 0)
    assert loaded is not None
    assert answer == sha256 == loaded.sha256
