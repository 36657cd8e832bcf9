"""Names and labels from folders and dataset.json."""

import json
from typing import Any

import pytest

from gancore.data.layout import layout
from gancore.errors import DataError

FILES = ["b/2.PNG", "a/1.jpg", "b/.hidden.png", "__MACOSX/x.png", ".thumbs/x.png", "notes.txt", "dataset.json"]


def test_images_are_sorted_and_labelled_by_folder() -> None:
    found = layout(FILES, None)
    assert (found.names, found.labels, found.classes) == (["a/1.jpg", "b/2.PNG"], [0, 1], ["a", "b"])


def test_the_top_folder_counts() -> None:
    assert layout(["a/x/1.png", "a/y/2.png", "b/3.png"], None).labels == [0, 0, 1]


def test_no_folders_no_labels() -> None:
    found = layout(["2.png", "1.png"], None)
    assert (found.names, found.labels, found.classes) == (["1.png", "2.png"], [None, None], None)
    assert layout(["1.png", "a/2.png"], None).labels == [None, 0]


@pytest.mark.parametrize("as_mapping", [False, True])
def test_index_overrules_folders(as_mapping: bool) -> None:
    labels: Any = {"a/1.jpg": 2, "b/2.PNG": 0}
    index = {"labels": labels if as_mapping else list(labels.items())}
    found = layout(FILES, json.dumps(index).encode())
    assert (found.labels, found.classes) == ([2, 0], ["0", "1", "2"])
    assert layout(FILES, json.dumps(index | {"classes": ["x", "y", "z", "u"]}).encode()).classes == list("xyzu")


@pytest.mark.parametrize("index", [{"labels": None}, {}])
def test_index_without_labels(index: Any) -> None:
    found = layout(FILES, json.dumps(index).encode())
    assert (found.labels, found.classes) == ([None, None], None)


def test_an_image_that_the_index_leaves_out_has_no_label() -> None:
    assert layout(FILES, b'{"labels": [["a/1.jpg", 0]]}').labels == [0, None]


@pytest.mark.parametrize(
    ("index", "reason"),
    [
        (b"{", "dataset.json is not JSON"),
        (b"\xff\xfe", "dataset.json is not JSON"),
        (b"[]", "dataset.json should hold"),
        (b'{"labels": [], "classes": [1]}', "dataset.json should hold"),
        (b'{"labels": 3}', "should be a list of"),
        (b'{"labels": [["a/1.jpg", 0.5]]}', 'should be [name, whole number], not ["a/1.jpg", 0.5]'),
        (b'{"labels": [["a/1.jpg", true]]}', "whole number"),
        (b'{"labels": [["a/1.jpg", [0, 1]]]}', "whole number"),
        (b'{"labels": [["a/1.jpg"]]}', "whole number"),
        (b'{"labels": [["a/1.jpg", 999999999999]]}', "at most 100,000 of them; there is a 999999999999"),
        (b'{"labels": [["c.png", 0], ["d.png", 0]]}', "labels of 2 images that are not there: c.png, d.png"),
    ],
)
def test_a_wrong_index_is_refused(index: bytes, reason: str) -> None:
    with pytest.raises(DataError) as caught:
        layout(FILES, index)
    assert reason in str(caught.value)
