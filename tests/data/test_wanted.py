"""Labels are checked only if the experiment uses them."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from gancore.errors import DataError

FLAWED = {
    "vectors of two lengths": [["a.png", [0.5, 1]], ["b.png", [1]]],
    "no numbers": [["a.png", [0.5, "1"]], ["b.png", [1, 0]]],
    "gone": [["a.png", 0], ["gone.png", 1]],
    "twice": [["a.png", 0], ["b.png", 1], ["a.png", 1]],
    "fraction": [["a.png", 0.5], ["b.png", 1]],
    "huge": [["a.png", 10**9], ["b.png", 1]],
}


@pytest.mark.parametrize("use", ["folder", "zip"])
@pytest.mark.parametrize("flaw", FLAWED)
def test_labels_are_checked_where_they_are_wanted(make: Any, tmp_path: Path, use: str, flaw: str) -> None:
    files, index = make.pictures(make.pixels(2)), {"labels": FLAWED[flaw]}
    path = tmp_path / "x"
    if use == "zip":
        make.zip(path, files, index)
    else:
        make.folder(path, files | {"dataset.json": json.dumps(index).encode()})
    assert len(make.open(use, path)) == 2
    with pytest.raises(DataError):
        make.open(use, path, labels=True)


def test_what_an_index_lacks_is_told_with_what_it_has_too_much(make: Any, tmp_path: Path) -> None:
    index = json.dumps({"labels": FLAWED["gone"]}).encode()
    folder = make.folder(tmp_path / "x", make.pictures(make.pixels(2)) | {"dataset.json": index})
    with pytest.raises(DataError, match=r"1 of 2 images have no label: b\.png; .* not there: gone\.png"):
        make.open("folder", folder, labels=True)


def test_names_of_an_archive_may_have_backslashes(make: Any, tmp_path: Path) -> None:
    names = ["top\\cats\\a.png", "top\\dogs\\b.png"]
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for name, picture in zip(names, make.pixels(2), strict=True):
            archive.writestr(zipfile.ZipInfo(name), make.file(picture))
    data = make.open("zip", tmp_path / "x.zip", labels=True)
    assert data.labels is not None
    assert (data.class_names, data.labels.tolist()) == (["cats", "dogs"], [0, 1])


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_are_refused(make: Any, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for picture in make.pixels(2):
            archive.writestr("a.png", make.file(picture))
    with pytest.raises(DataError, match=r"x\.zip: 1 names match several files each"):
        make.open("zip", tmp_path / "x.zip")


def test_one_class_is_no_label(make: Any, tmp_path: Path) -> None:
    folder = make.folder(tmp_path / "x", {f"cats/{name}": file for name, file in make.pictures(make.pixels(2)).items()})
    assert len(make.open("folder", folder)) == 2
    with pytest.raises(DataError, match=r"x: all images lie in one folder \(cats\)"):
        make.open("folder", folder, labels=True)
    assert make.open("folder", folder, labels=True, format=1).class_names == ["cats"]
    index = json.dumps({"labels": [["cats/a.png", 0], ["cats/b.png", 0]]}).encode()
    make.folder(folder, {"dataset.json": index})
    with pytest.raises(DataError, match=r"there is one class only \(0\)"):
        make.open("folder", folder, labels=True)


def test_classes_without_images_are_told(make: Any, tmp_path: Path) -> None:
    index = json.dumps({"labels": [["a.png", 3], ["b.png", 0]], "classes": ["p", "q", "r", "s"]}).encode()
    folder = make.folder(tmp_path / "x", make.pictures(make.pixels(2)) | {"dataset.json": index})
    assert make.open("folder", folder, labels=True).notes == ["2 of 4 classes have no images: q, r"]
    assert make.open("folder", folder).notes == []


def test_labels_may_be_vectors(make: Any, tmp_path: Path) -> None:
    index = json.dumps({"labels": [["a.png", [0.5, 2]], ["b.png", [1, 0]]]}).encode()
    folder = make.folder(tmp_path / "x", make.pictures(make.pixels(2)) | {"dataset.json": index})
    data = make.open("folder", folder, labels=True)
    assert data.labels is not None
    assert (data.labels.tolist(), data.class_names) == ([[0.5, 2], [1, 0]], ["0", "1"])
