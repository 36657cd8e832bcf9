"""CIFAR's archives hold the same images as a folder; what is damaged, foreign or hostile is one line."""

import gzip
import importlib
import io
import os
import pickle
import tarfile
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.cifar import archive, files, python2_pickle

from gancore.cli import main
from gancore.config.sections.data import DataKeys
from gancore.data import ImageData, open_data
from gancore.errors import DataError

PIXELS = np.random.default_rng(0).integers(0, 256, (10, 3072), dtype=np.uint8)
FINE, COARSE = [3, 1, 0, 2, 2, 3, 1, 0, 3, 1], [1, 0, 0, 1, 1, 1, 0, 0, 1, 0]
NAMES = {"fine": ["apple", "boat", "cat", "dog"], "coarse": ["things", "pets"]}
VERSIONS = ["cifar-10-batches-py", "cifar-100-python", "cifar-10-batches-bin", "cifar-100-binary"]
PICTURES = PIXELS.reshape(-1, 3, 32, 32)


def made(version: str, **changed: Any) -> dict[str, bytes]:
    return files(version, **({"pixels": PIXELS, "fine": FINE, "coarse": COARSE, "names": NAMES} | changed))


def opened(make: Any, path: Path, decode: str = "ahead", **options: Any) -> ImageData:
    return open_data(make.dataset("cifar", path=str(path), **options), DataKeys(labels=True, decode=decode))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("decode", ["ahead", "on_the_fly"])
def test_as_a_folder(make: Any, tmp_path: Path, version: str, decode: str) -> None:
    pictures = {f"{i}.png": make.file(picture.transpose(1, 2, 0)) for i, picture in enumerate(PICTURES)}
    index = {"labels": [[f"{i}.png", label] for i, label in enumerate(FINE)], "classes": NAMES["fine"]}
    expected = make.open("zip", make.zip(tmp_path / "folder.zip", pictures, index), labels=True)
    path = archive(tmp_path / "cifar.tar.gz", version, made(version))
    found = opened(make, path, decode)
    np.testing.assert_array_equal(found.images[:], PICTURES)
    assert found.identity.sha256 == expected.identity.sha256
    assert found.class_names == NAMES["fine"]
    with tarfile.open(path) as content:
        content.extractall(tmp_path / "unpacked", filter="data")
    for folder in (tmp_path / "unpacked", tmp_path / "unpacked" / version):
        assert opened(make, folder, decode).identity.sha256 == expected.identity.sha256
    if decode == "ahead":
        converted = tmp_path / "converted.zip"
        assert main(["data", "convert", str(path), str(converted)]) == 0
        assert make.open("zip", converted, labels=True).identity.sha256 == expected.identity.sha256
        assert main(["data", "info", str(path)]) == 0


@pytest.mark.parametrize("version", VERSIONS)
def test_the_other_images_and_labels(make: Any, tmp_path: Path, version: str) -> None:
    path = archive(tmp_path / "cifar.tar.gz", version, made(version))
    test = opened(make, path, split="test")
    np.testing.assert_array_equal(test.images, PICTURES[:5])
    assert test.labels.tolist() == FINE[:5]
    if version.startswith("cifar-100"):
        coarse = opened(make, path, label="coarse")
        assert (coarse.labels.tolist(), coarse.class_names) == (COARSE, NAMES["coarse"])
    else:
        with pytest.raises(DataError, match="`label: coarse` is for CIFAR-100"):
            opened(make, path, label="coarse")


def test_pickles_of_this_and_other_pythons_hold_the_same(make: Any, tmp_path: Path) -> None:
    old = made("cifar-100-python")
    held = {name: pickle.loads(content, encoding="latin1") for name, content in old.items()}
    np.testing.assert_array_equal(held["train"]["data"], PIXELS)
    for protocol in range(6):
        new = {name: pickle.dumps(value, protocol) for name, value in held.items()}
        found = opened(make, archive(tmp_path / f"{protocol}.tar.gz", "cifar-100-python", new))
        np.testing.assert_array_equal(found.images, PICTURES)


class Hostile:
    def __reduce__(self) -> Any:
        return os.system, ("false",)


WRONG: dict[str, tuple[bytes, str]] = {
    "hostile": (pickle.dumps(Hostile()), r"a pickle that asks for (posix|nt)\.system"),
    "truncated": (made(VERSIONS[1])["train"][:-9], "a pickle that is truncated|damaged"),
    "foreign": (b"words", "a pickle that is"),
    "empty": (b"", "a pickle that is empty"),
    "a list": (pickle.dumps([1]), "not a dict"),
    "no pixels": (python2_pickle({"fine_labels": [1]}), "its `data` are not rows of 3072 bytes"),
    "other pixels": (python2_pickle({"data": PIXELS[:, 1:]}), "its `data` are not rows of 3072 bytes"),
    "floats": (pickle.dumps({"data": PIXELS.astype(np.float32)}), "its `data` are not rows of 3072 bytes"),
    "no labels": (python2_pickle({"data": PIXELS}), "its labels are not one small whole number for each of 10"),
    "few labels": (python2_pickle({"data": PIXELS, "fine_labels": FINE[1:]}), "its labels are not"),
    "large labels": (python2_pickle({"data": PIXELS, "fine_labels": [1000] * 10}), "its labels are not"),
    "no such class": (python2_pickle({"data": PIXELS, "fine_labels": [4] * 10}), "a label 4, and there are 4 classes"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_with_a_pickle_is_one_line(make: Any, tmp_path: Path, wrong: str) -> None:
    content, reason = WRONG[wrong]
    path = archive(tmp_path / "c.tar.gz", "cifar-100-python", made("cifar-100-python") | {"train": content})
    with pytest.raises(DataError, match=rf"c\.tar\.gz: train: .*({reason})") as caught:
        opened(make, path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("train.bin", b"\0" * 3075, "3075 bytes are not rows of 3074"),
        ("fine_label_names.txt", b"\n", "no names of classes"),
        ("train.bin", b"\0\xff" + b"\0" * 3072, "a label 255, and there are 4 classes"),
    ],
)
def test_what_is_wrong_with_a_binary_file_is_one_line(
    make: Any, tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    path = archive(tmp_path / "c.tar.gz", "cifar-100-binary", made("cifar-100-binary") | {name: content})
    with pytest.raises(DataError, match=rf"c\.tar\.gz: {name}: {reason}") as caught:
        opened(make, path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kept", [0, 5, 100, 0.5, -4, -1])
def test_an_archive_that_is_cut_off_is_one_line(
    make: Any, tmp_path: Path, kept: float, capsys: pytest.CaptureFixture[str]
) -> None:
    path = archive(tmp_path / "c.tar.gz", VERSIONS[0], made(VERSIONS[0]))
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept) if kept == 0.5 else kept])
    with pytest.raises(DataError, match=r"c\.tar\.gz: not an archive of CIFAR \(\.tar\.gz\), or damaged \(") as caught:
        opened(make, path)
    assert "\n" not in str(caught.value)
    before = sorted(tmp_path.iterdir())
    assert main(["data", "convert", str(path), str(tmp_path / "new.zip")]) == 2
    assert sorted(tmp_path.iterdir()) == before
    assert capsys.readouterr().err.count("\n") == 1


def test_what_is_missing_is_named(make: Any, tmp_path: Path) -> None:
    contents = made(VERSIONS[0])
    del contents["data_batch_3"]
    with pytest.raises(DataError, match="cifar-10-batches-py lacks data_batch_3"):
        opened(make, archive(tmp_path / "c.tar.gz", VERSIONS[0], contents))
    with pytest.raises(DataError, match=r"none of cifar-10-batches-py, .* is in this archive"):
        opened(make, archive(tmp_path / "d.tar.gz", "other", contents))
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no version of CIFAR is in this folder"):
        opened(make, tmp_path / "empty")


@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE])
def test_a_small_archive_cannot_ask_for_much_memory(
    make: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: bytes
) -> None:
    monkeypatch.setattr(importlib.import_module("gancore_plugins.datasets.cifar"), "LARGEST_ARCHIVE", 2**22)
    about = tarfile.TarInfo("cifar-100-python/train")
    about.type, about.size = kind, 2**33
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=1) as file:
        file.write(about.tobuf(tarfile.GNU_FORMAT))
        for _ in range(20):
            file.write(bytes(2**20))
    (tmp_path / "c.tar.gz").write_bytes(out.getvalue())
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="not an archive of CIFAR"):
            opened(make, tmp_path / "c.tar.gz")
        assert tracemalloc.get_traced_memory()[1] < 3 * 2**22
    finally:
        tracemalloc.stop()
