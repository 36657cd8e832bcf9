"""Files and folders that cannot be read: told on one line, and nothing is waited for."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gancore.config.sections.data import DataKeys
from gancore.data import interface_of, open_data
from gancore.data.sources import find_source
from gancore.errors import DataError


def refused(act: Callable[[], Any]) -> str:
    with pytest.raises(DataError) as caught:
        act()
    return str(caught.value)


PATHS = {
    "~nosuchuser/x": "~nosuchuser/x: there is no such user",
    "a\0b": r"'a\x00b': embedded null byte",
    "x" * 5000: f"'{'x' * 60}': File name too long",
}


@pytest.mark.parametrize("path", PATHS, ids=["user", "nul", "long"])
@pytest.mark.parametrize(
    ("use", "option"),
    [("folder", "path"), ("zip", "path"), ("idx", "images"), ("idx", "folder"), ("torchvision", "root")],
)
def test_what_can_be_no_path(make: Any, path: str, use: str, option: str) -> None:
    options = {option: path} | ({"name": "CIFAR10"} if use == "torchvision" else {})
    if use == "torchvision":
        pytest.importorskip("torchvision")
    assert refused(lambda: make.dataset(use, **options)) == PATHS[path]


def test_what_can_be_no_path_on_the_command_line() -> None:
    assert refused(lambda: find_source(Path("x" * 5000))).endswith("no such file or folder")


@pytest.fixture
def folder(make: Any, tmp_path: Path) -> Path:
    return make.folder(tmp_path / "f", make.pictures(make.pixels(2)))


@pytest.mark.parametrize("make_odd", [os.mkfifo, lambda path: path.symlink_to("nowhere")], ids=["pipe", "dangling"])
def test_files_that_are_none_are_named_or_skipped(make: Any, folder: Path, make_odd: Callable[[Path], None]) -> None:
    make_odd(folder / "odd.png")
    text = refused(lambda: make.open("folder", folder))
    assert text.startswith("1 of 3 images cannot be used (1 damaged):\n  odd.png: cannot be read: ")
    assert len(make.open("folder", folder, invalid="skip")) == 2
    assert interface_of(make.dataset("folder", path=str(folder)), DataKeys()).resolution == 16


def test_a_file_that_may_not_be_read_is_named(make: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.open

    def guarded(path: Path, *args: Any, **kwargs: Any) -> Any:
        if path.name == "b.png":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *args, **kwargs)

    monkeypatch.setattr(Path, "open", guarded)
    assert "b.png: cannot be read: " in refused(lambda: make.open("folder", folder))


@pytest.mark.parametrize("closed", ["f", "f/inner"])
def test_folders_that_may_not_be_listed(make: Any, folder: Path, closed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "inner").mkdir()
    forbidden, real = str(folder.parent / closed), os.scandir

    def guarded(path: Any) -> Iterator[os.DirEntry[str]]:
        if str(path) == forbidden:
            raise PermissionError(13, "Permission denied", forbidden)
        return real(path)

    monkeypatch.setattr(os, "scandir", guarded)
    text = refused(lambda: make.dataset("folder", path=str(folder)).items())
    assert text == f"{forbidden}: the folder cannot be read: Permission denied"


def test_an_index_that_cannot_be_read_is_told_where_labels_are_wanted(make: Any, folder: Path) -> None:
    (folder / "dataset.json").symlink_to("nowhere")
    dataset = make.dataset("folder", path=str(folder))
    assert len(open_data(dataset, DataKeys())) == 2
    text = refused(lambda: open_data(dataset, DataKeys(labels=True)))
    assert text == f"{folder}: dataset.json cannot be read: No such file or directory"


def test_an_encrypted_index_of_an_archive(make: Any, tmp_path: Path) -> None:
    path = make.zip(tmp_path / "x.zip", {}, {"labels": []})
    content = bytearray(path.read_bytes())
    content[6] |= 1  # the flag of encryption, in the file's header and in the directory
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    assert "dataset.json cannot be read: " in refused(lambda: make.dataset("zip", path=str(path)).class_names())


def test_a_file_that_is_none_is_skipped_in_a_large_data_set_too(make: Any, folder: Path) -> None:
    (folder / "odd.png").symlink_to("nowhere")
    data = open_data(make.dataset("folder", path=str(folder)), DataKeys(invalid="skip"), memory_limit=1)
    assert len(data) == 2
