"""The dataset plugins: what they find, and what they say when it is not there."""

import gzip
import json
import sys
import tracemalloc
import warnings
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from gancore.config.sections.data import DataKeys
from gancore.contracts import Dataset, Interface
from gancore.data import interface_of, open_data
from gancore.data.archive import Opened
from gancore.discovery import discover
from gancore.errors import DataError

EMOJI_COUNTS = {
    "Smileys & Emotion": 169,
    "People & Body": 386,
    "Animals & Nature": 159,
    "Food & Drink": 131,
    "Travel & Places": 218,
    "Activities": 85,
    "Objects": 264,
    "Symbols": 224,
    "Flags": 270,
}


def refused(make: Any, use: str, base: Path = Path(), **options: Any) -> str:
    with pytest.raises(DataError) as caught:
        make.dataset(use, base, **options).items()
    return str(caught.value)


@pytest.mark.parametrize("name", discover().names("dataset"))
def test_every_dataset_that_needs_no_files_opens(name: str) -> None:
    plugin = discover().get("dataset", name).load()
    try:
        options = plugin.Config()
    except ValidationError:  # a path or a name must be said
        assert plugin.default_resolution is None
        return
    data = open_data(plugin(options, Path()), DataKeys(labels=True))
    assert len(data) > 0
    assert data.interface == interface_of(plugin(options, Path()), DataKeys(labels=True))
    assert plugin.default_resolution in (None, data.interface.resolution)


class TestEmoji:
    def test_all(self, make: Any) -> None:
        data = open_data(make.dataset("emoji"), DataKeys(labels=True), name="emoji")
        assert data.images.shape == (1906, 3, 32, 32)
        assert data.interface == Interface(32, 3, 9)
        assert data.labels is not None
        counts = Counter(data.class_names[label] for label in data.labels)
        assert counts == EMOJI_COUNTS
        assert list(counts) == data.class_names

    def test_pictures_have_color_on_white(self, make: Any) -> None:
        images = open_data(make.dataset("emoji"), DataKeys()).images
        assert np.median(images[:, :, 0, 0]) == 255
        assert images.std((2, 3)).min(1).max() > 50
        assert np.abs(images[:, 0].astype(int) - images[:, 2]).mean() > 20

    def test_chosen_classes_are_labelled_in_their_order(self, make: Any) -> None:
        chosen = ["Flags", "Food & Drink"]
        plugin = discover().get("dataset", "emoji").load()
        dataset = plugin(plugin.Config.model_validate({"classes": chosen}), Path())
        data = open_data(dataset, DataKeys(labels=True))
        assert data.class_names == chosen
        assert data.labels is not None
        assert Counter(data.labels.tolist()) == {0: 270, 1: 131}
        assert data.labels[0] == 1  # food comes before flags in Unicode's order

    @pytest.mark.parametrize("classes", [[], ["Faces"], ["Flags", "Flags"]])
    def test_wrong_classes(self, classes: list[str]) -> None:
        with pytest.raises(ValidationError):
            discover().get("dataset", "emoji").load().Config.model_validate({"classes": classes})

    def test_attribution_is_beside_the_archive_which_is_small(self, make: Any) -> None:
        path = make.dataset("emoji").archive.path
        text = path.with_suffix(".txt").read_text(encoding="utf-8")
        for words in ("Noto Emoji", "Copyright Google LLC", "Apache License 2.0", "32x32"):
            assert words in text
        assert path.stat().st_size < 3_000_000


class TestFolderAndZip:
    def test_equal(self, make: Any, tmp_path: Path) -> None:
        files = {f"{'ba'[i % 2]}/{i}.png": make.file(picture) for i, picture in enumerate(make.pixels(5))}
        one: Dataset = make.dataset("folder", path=str(make.folder(tmp_path / "f", files)))
        other: Dataset = make.dataset("zip", path=str(make.zip(tmp_path / "f.zip", files)))
        assert [(i.name, i.label, i.read()) for i in one.items()] == [
            (i.name, i.label, i.read()) for i in other.items()
        ]
        assert [item.name for item in one.items()] == sorted(files)
        assert one.class_names() == other.class_names() == ["a", "b"]

    def test_paths_are_relative_to_the_experiment(self, make: Any, tmp_path: Path) -> None:
        make.folder(tmp_path / "f", make.pictures(make.pixels(1)))
        assert len(make.dataset("folder", tmp_path, path="f").items()) == 1

    def test_a_folder_with_dataset_json(self, make: Any, tmp_path: Path) -> None:
        files = make.pictures(make.pixels(2))
        index = json.dumps({"labels": [["a.png", 1], ["b.png", 0]]}).encode()
        folder = make.folder(tmp_path / "f", files | {"dataset.json": index})
        assert [item.label for item in make.dataset("folder", path=str(folder)).items()] == [1, 0]

    def test_missing(self, make: Any, tmp_path: Path) -> None:
        assert refused(make, "folder", tmp_path, path="none") == f"{tmp_path / 'none'}: no such folder"
        assert refused(make, "zip", tmp_path, path="none.zip") == f"{tmp_path / 'none.zip'}: no such file"

    def test_no_zip(self, make: Any, tmp_path: Path) -> None:
        (tmp_path / "x.zip").write_bytes(b"PK, but not really")
        assert "x.zip: not a zip archive, or damaged" in refused(make, "zip", tmp_path, path="x.zip")

    def test_truncated_zip(self, make: Any, tmp_path: Path) -> None:
        path = make.zip(tmp_path / "x.zip", make.pictures(make.pixels(9)))
        path.write_bytes(path.read_bytes()[:-100])
        assert "not a zip archive, or damaged" in refused(make, "zip", path=str(path))

    def test_wrong_index(self, make: Any, tmp_path: Path) -> None:
        path = make.zip(tmp_path / "x.zip", {}, index=[1])
        folder = make.folder(tmp_path / "f", {"dataset.json": b"[1]"})
        for use, source in (("zip", path), ("folder", folder)):
            with pytest.raises(DataError, match=f"{source.name}: dataset.json should hold"):
                make.dataset(use, path=str(source)).class_names()

    def test_damaged_member_is_named(self, make: Any, tmp_path: Path) -> None:
        path = make.zip(tmp_path / "x.zip", make.pictures(make.pixels(3)))
        content = bytearray(path.read_bytes())
        with zipfile.ZipFile(path) as archive:
            content[archive.getinfo("b.png").header_offset + 200] ^= 255
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"b\.png: cannot be read: Bad CRC-32"):
            make.open("zip", path)

    def test_a_member_that_unpacks_to_very_much_is_not_unpacked(
        self, make: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("gancore.data.archive.LARGEST", 1 << 20)
        path = tmp_path / "bomb.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a.png", bytes(2 << 20))
        with pytest.raises(DataError, match=r"a\.png: cannot be read: larger than 1 MiB"):
            open_data(make.dataset("zip", path=str(path)), DataKeys(resolution=16))


class TestIDX:
    @pytest.fixture
    def folder(self, make: Any, tmp_path: Path) -> Path:
        folder = tmp_path / "mnist"
        folder.mkdir()
        for stem, count in (("train", 7), ("t10k", 3)):
            make.idx(folder / f"{stem}-images-idx3-ubyte", make.pixels(count, 28, 1)[..., 0])
            labels = make.idx(folder / f"{stem}-labels-idx1-ubyte", np.arange(count) % 4)
            (folder / f"{labels.name}.gz").write_bytes(gzip.compress(labels.read_bytes()))
            labels.unlink()
        return folder

    @pytest.mark.parametrize(("split", "count", "classes"), [("train", 7, 4), ("test", 3, 3)])
    def test_folder(self, make: Any, folder: Path, split: str, count: int, classes: int) -> None:
        dataset = make.dataset("idx", folder.parent, folder="mnist", split=split)
        data = open_data(dataset, DataKeys(labels=True, channels=1, resolution=32, fit="pad"))
        expected = np.pad(make.pixels(count, 28, 1)[..., 0], ((0, 0), (2, 2), (2, 2)))
        np.testing.assert_array_equal(data.images[:, 0], expected)
        assert data.labels is not None
        assert data.labels.tolist() == [i % 4 for i in range(count)]
        assert data.class_names == [str(i) for i in range(classes)]

    def test_gray_is_repeated(self, make: Any, folder: Path) -> None:
        images = open_data(make.dataset("idx", folder=str(folder)), DataKeys()).images
        assert images.shape == (7, 3, 28, 28)
        assert (images == images[:, :1]).all()

    def test_files_with_color(self, make: Any, tmp_path: Path) -> None:
        pixels = make.pixels(4, 16, 3)
        make.idx(tmp_path / "i", pixels)
        make.idx(tmp_path / "l", np.array([2, 0, 1, 1]))
        data = open_data(make.dataset("idx", tmp_path, images="i", label_file="l"), DataKeys(labels=True))
        np.testing.assert_array_equal(data.images, pixels.transpose(0, 3, 1, 2))
        assert data.labels is not None
        assert data.labels.tolist() == [2, 0, 1, 1]
        assert make.dataset("idx", tmp_path, images="i").class_names() is None

    def test_common_places(self, make: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(
            make.dataset("idx", folder=str(folder)).__init__.__globals__, "PLACES", (str(folder.parent),)
        )
        assert len(make.dataset("idx", Path("/nowhere"), folder="mnist").items()) == 7

    def test_torchvisions_sub_folder(self, make: Any, folder: Path, tmp_path: Path) -> None:
        (tmp_path / "MNIST").mkdir()
        folder.rename(tmp_path / "MNIST" / "raw")
        assert len(make.dataset("idx", tmp_path, folder="MNIST").items()) == 7

    def test_a_missing_folder_says_where_it_was_looked_for(self, make: Any, tmp_path: Path) -> None:
        text = refused(make, "idx", tmp_path, folder="nowhere-mnist")
        assert "no train-images-idx3-ubyte or .gz of 'nowhere-mnist'" in text
        assert str(tmp_path / "nowhere-mnist") in text
        assert "/usr/share/datasets/nowhere-mnist" in text
        assert "apt install dataset-fashion-mnist" in text

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            (lambda c: c[:-1], "damaged, 5504 bytes announced for [7, 28, 28], got 5503"),
            (lambda c: c + b"x", "got 5505"),
            (lambda c: b"\0\0\x0d" + c[3:], "not an IDX file of bytes with 3 or 4 dimensions (it begins 00000d03)"),
            (lambda c: b"\0\0\x08\x01" + c[4:], "not an IDX file"),
            (lambda c: b"", "not an IDX file"),
            (lambda c: gzip.compress(c)[:-20], "damaged (Compressed file ended"),
            (lambda c: gzip.compress(c)[:-5] + b"abcde", "damaged (CRC check failed"),
            (lambda c: b"\0\0\x08\x03\xff", "damaged, 16 bytes announced for [255, 0, 0], got 5"),
        ],
    )
    def test_damaged(self, make: Any, folder: Path, change: Any, reason: str) -> None:
        path = folder / "train-images-idx3-ubyte"
        path.write_bytes(change(path.read_bytes()))
        text = refused(make, "idx", folder=str(folder))
        assert str(path) in text
        assert reason in text

    def test_labels_of_other_images(self, make: Any, folder: Path) -> None:
        text = refused(make, "idx", folder, images="train-images-idx3-ubyte", label_file="t10k-labels-idx1-ubyte.gz")
        assert "has 3 labels, but" in text
        assert "has 7 images" in text

    @pytest.mark.parametrize("options", [{}, {"folder": "a", "images": "b"}, {"folder": "a", "labels": "b"}])
    def test_one_source(self, options: dict[str, str]) -> None:
        with pytest.raises(ValidationError):
            discover().get("dataset", "idx").load().Config(**options)


class TestTorchvision:
    @pytest.fixture
    def mnist(self, make: Any, tmp_path: Path) -> Path:
        raw = make.folder(tmp_path / "MNIST" / "raw", {"x": b""})
        for stem, count in (("train", 6), ("t10k", 2)):
            make.idx(raw / f"{stem}-images-idx3-ubyte", make.pixels(count, 28, 1)[..., 0])
            make.idx(raw / f"{stem}-labels-idx1-ubyte", np.arange(count))
        return tmp_path

    def test_mnist(self, make: Any, mnist: Path) -> None:
        dataset = make.dataset("torchvision", mnist, name="MNIST", root=".", train=False)
        data = open_data(dataset, DataKeys(labels=True, channels=1))
        np.testing.assert_array_equal(data.images[:, 0], make.pixels(2, 28, 1)[..., 0])
        assert data.labels is not None
        assert data.labels.tolist() == [0, 1]
        assert data.class_names[3] == "3 - three"
        assert len(make.dataset("torchvision", mnist, name="MNIST", root=".").items()) == 6

    def test_image_folder_and_fake_data(self, make: Any, tmp_path: Path) -> None:
        make.folder(tmp_path / "f", {f"c{i}/x.png": make.file(p) for i, p in enumerate(make.pixels(2))})
        found = open_data(make.dataset("torchvision", tmp_path, name="ImageFolder", root="f"), DataKeys(labels=True))
        assert (len(found), found.class_names) == (2, ["c0", "c1"])
        assert make.dataset("torchvision", name="FakeData").sources() is None

    @pytest.mark.parametrize(
        ("options", "reason"),
        [
            ({"name": "CIFAR1O"}, "torchvision.datasets has no 'CIFAR1O'; did you mean 'CIFAR10'?"),
            ({"name": "VisionDataset"}, "has no 'VisionDataset'"),
            ({"name": "__builtins__"}, "has no '__builtins__'"),
            ({"name": "CIFAR10"}, "`download: true` may fetch it"),
            ({"name": "CIFAR10", "split": "test"}, "it has no option `split`"),
            ({"name": "SVHN", "split": "nonsense"}, "SVHN cannot be opened in"),
        ],
    )
    def test_refusals(self, make: Any, tmp_path: Path, options: dict[str, Any], reason: str) -> None:
        assert reason in refused(make, "torchvision", tmp_path, **options)

    def test_torchvision_is_imported_late_and_its_absence_told(
        self, make: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "torchvision", None)
        monkeypatch.setitem(sys.modules, "torchvision.datasets", None)
        assert "pip install gancore[torchvision]" in refused(make, "torchvision", name="MNIST")


def test_members_of_an_archive_are_those_of_zipfile_in_a_fraction_of_the_memory(tmp_path: Path) -> None:
    names = [f"{'ä' * (i % 3)}{i}\\{'b' * (i % 5)}.png" for i in range(2000)]
    with warnings.catch_warnings(), zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        warnings.simplefilter("ignore")  # the first name is there twice
        for i, name in enumerate([*names, names[0]]):
            archive.writestr(name, f"{i}" * 50, zipfile.ZIP_DEFLATED if i % 2 else zipfile.ZIP_STORED)
    tracemalloc.start()
    members = Opened(tmp_path / "x.zip").members
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak / len(names) < 400  # about 600 with an object for each
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        assert members.names == archive.namelist()
        for row, about in enumerate(archive.infolist()):
            found = members.about(row)
            assert archive.read(found) == archive.read(about)
            assert (found.filename, found.orig_filename, found.CRC) == (about.filename, about.orig_filename, about.CRC)
