"""Names and labels from folders and dataset.json."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from gancore.data.layout import Layout, layout
from gancore.errors import DataError


def laid_out(files: Sequence[str], index: bytes | None = None, format: int = 2) -> Layout:
    """The layout of files, with a dataset.json of this content among them."""
    contents = {} if index is None else {"dataset.json": index}
    return layout([*dict.fromkeys([*files, *contents])], contents.__getitem__, format)


FILES = ["b/2.PNG", "a/1.jpg", "b/.hidden.png", "__MACOSX/x.png", ".thumbs/x.png", "notes.txt"]


def test_images_are_sorted_and_labelled_by_folder() -> None:
    found = laid_out(FILES)
    assert (found.names, found.labels, found.classes) == (["a/1.jpg", "b/2.PNG"], [0, 1], ["a", "b"])


def test_the_top_folder_counts() -> None:
    assert laid_out(["a/x/1.png", "a/y/2.png", "b/3.png"]).labels == [0, 0, 1]


def test_no_folders_no_labels() -> None:
    found = laid_out(["2.png", "1.png"])
    assert (found.names, found.labels, found.classes) == (["1.png", "2.png"], [None, None], None)
    assert laid_out(["1.png", "a/2.png"]).labels == [None, 0]


@pytest.mark.parametrize("as_mapping", [False, True])
def test_index_overrules_folders(as_mapping: bool) -> None:
    labels: Any = {"a/1.jpg": 2, "b/2.PNG": 0}
    index = {"labels": labels if as_mapping else list(labels.items())}
    found = laid_out(FILES, json.dumps(index).encode())
    assert (found.labels, found.classes) == ([2, 0], ["0", "1", "2"])
    assert laid_out(FILES, json.dumps(index | {"classes": ["x", "y", "z", "u"]}).encode()).classes == list("xyzu")


@pytest.mark.parametrize("index", [{"labels": None}, {}])
def test_index_without_labels(index: Any) -> None:
    found = laid_out(FILES, json.dumps(index).encode())
    assert (found.labels, found.classes) == ([None, None], None)


def test_an_image_that_the_index_leaves_out_has_no_label() -> None:
    assert laid_out(FILES, b'{"labels": [["a/1.jpg", 0]]}').labels == [0, None]


@pytest.mark.parametrize(
    ("index", "reason"),
    [
        (b"{", "dataset.json is not JSON"),
        (b"\xff\xfe", "dataset.json is not JSON"),
        (b"[]", "dataset.json should hold"),
        (b'{"labels": [], "classes": [1]}', "dataset.json should hold"),
        (b'{"labels": 3}', "should be a list of"),
        (b'{"labels": [["a/1.jpg", 0.5]]}', 'should be [name, whole number or list of numbers], not ["a/1.jpg", 0.5]'),
        (b'{"labels": [["a/1.jpg", true]]}', "whole number"),
        (b'{"labels": [["a/1.jpg", []]]}', "whole number or list of numbers"),
        (b'{"labels": [["a/1.jpg", [0, "1"]]]}', "whole number or list of numbers"),
        (b'{"labels": [["a/1.jpg"]]}', "whole number"),
        (b'{"labels": [["a/1.jpg", 999999999999]]}', "at most 100,000 of them; there is a 999999999999"),
        (b'{"labels": [["a/1.jpg", 0], ["a/1.jpg", 1]]}', "has two labels for a/1.jpg, 0 and 1"),
        (b'{"labels": [["a/1.jpg", 0], ["a\\\\1.jpg", 1]]}', "has two labels for a/1.jpg, 0 and 1"),
        (b"[" * 10_000, "nested too deeply"),
    ],
)
def test_a_wrong_index_is_refused_where_labels_are_wanted(index: bytes, reason: str) -> None:
    found = laid_out(FILES, index)
    assert (found.names, found.labels) == (["a/1.jpg", "b/2.PNG"], [None, None])
    with pytest.raises(DataError) as caught:
        found.class_names()
    assert reason in str(caught.value)


def test_an_index_may_name_images_that_are_gone() -> None:
    found = laid_out(FILES, b'{"labels": [["a/1.jpg", 0], ["d.png", 1], ["b/2.PNG", 1], ["c.png", 0]]}')
    assert found.labels == [0, 1]
    assert found.label_notes == ["dataset.json has labels of 2 images that are not there: c.png, d.png"]
    assert found.notes == ()


def test_classes_are_in_natural_order_and_were_in_that_of_text() -> None:
    files = [f"{name}/a.png" for name in ("10", "9", "b2", "b10", "b", "007", "8")]
    assert laid_out(files).classes == ["007", "8", "9", "10", "b", "b2", "b10"]
    assert laid_out(files, format=1).classes == ["007", "10", "8", "9", "b", "b10", "b2"]
    assert laid_out([f"{'1' * 5000}/a.png", "2/a.png"]).classes == ["2", "1" * 5000]


@pytest.mark.parametrize("around", ["my photos/", "a/b/"])
def test_a_folder_around_everything_is_no_class(around: str) -> None:
    files = [f"{around}cats/1.png", f"{around}dogs/2.png", "__MACOSX/my photos/cats/._1.png"]
    assert (laid_out(files).labels, laid_out(files).classes) == ([0, 1], ["cats", "dogs"])
    assert laid_out(files, format=1).classes == [around.split("/")[0]]
    index = {f"{around}dataset.json": b'{"labels": [["cats/1.png", 1], ["dogs/2.png", 0]]}'}
    found = layout([*files, *index], index.__getitem__)
    assert (found.labels, found.classes) == ([1, 0], ["0", "1"])


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        (["cats/1.png", "cats/2.png"], "all images lie in one folder (cats)"),
        (["a/b/1.png"], "all images lie in one folder (a/b)"),
        (["train/cats/1.png", "val/dogs/1.png"], "the folders train, val are taken for parts of a data set"),
        (["x/Train/1.png", "x/Test/1.png"], "the folders Test, Train are taken for parts of a data set"),
    ],
)
def test_folders_that_are_no_classes(files: list[str], reason: str) -> None:
    found = laid_out(files)
    assert set(found.labels) == {None}
    with pytest.raises(DataError, match="^" + reason.replace("(", r"\(").replace(")", r"\)")):
        found.class_names()
    assert [reason in note for note in found.notes] == [True] * reason.startswith("the folders")


def test_folders_without_images_are_told() -> None:
    files = ["a/1.png", "b/1.png", "c/1.txt", "d/", ".git/x", "top.txt"]
    assert laid_out(files).label_notes == ["folders without images are no classes: c, d"]
    assert laid_out([f"x/{name}" for name in files]).label_notes == ["folders without images are no classes: c, d"]


def test_an_index_may_be_written_with_backslashes() -> None:
    found = laid_out(FILES, rb'{"labels": [["a\\1.jpg", 1], [".\\b\\2.PNG", 0]]}')
    assert (found.labels, found.label_notes) == ([1, 0], [])


def test_of_two_labels_the_last_counted_before() -> None:
    index = b'{"labels": [["a/1.jpg", 0], ["b/2.PNG", 0], ["a/1.jpg", 1]]}'
    assert laid_out(FILES, index, format=1).labels == [1, 0]


def test_two_files_of_one_name_are_refused() -> None:
    with pytest.raises(DataError, match="1 names match several files each"):
        layout(["a.png", "b.png", "a.png"], {}.__getitem__)
    assert layout(["a.png", "a.png"], {}.__getitem__, 1).names == ["a.png", "a.png"]
