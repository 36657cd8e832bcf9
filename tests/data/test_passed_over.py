"""Nothing is left out in silence: what is read, what is passed over, and how a person hears of it."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from gancore.cli import main
from gancore.config.sections.data import DataKeys
from gancore.data import formats, open_data
from gancore.data.paths import files_below
from gancore.errors import DataError

HEIF = "pillow_heif"


def told(data: Any) -> dict[str, int]:
    return {files.what: files.count for files in data.passed_over}


@pytest.fixture
def without_heif(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the extra is not installed."""
    monkeypatch.setattr(formats, "find_spec", lambda name: None)
    for known in (formats.extensions, formats.readable):
        known.cache_clear()
        monkeypatch.setattr(formats, known.__name__, known.__wrapped__)
    registered = {k: v for k, v in formats.Image.registered_extensions().items() if v != "HEIF"}
    monkeypatch.setattr(formats.Image, "registered_extensions", lambda: registered)


@pytest.mark.parametrize("extension", ["jfif", "jpe", "apng", "tga", "jp2", "qoi", "pcx", "avif", "JPG"])
def test_every_extension_of_the_decoders_is_read(make: Any, tmp_path: Path, extension: str) -> None:
    kind = {"jfif": "JPEG", "jpe": "JPEG", "JPG": "JPEG", "apng": "PNG", "jp2": "JPEG2000"}.get(extension)
    if (kind or extension.upper()) not in formats.readable():
        pytest.skip(f"Pillow has no {extension} here")
    folder = make.folder(tmp_path / "f", {f"a.{extension}": make.file(make.pixels(1)[0], kind or extension.upper())})
    data = make.open("folder", folder)
    assert (len(data), data.notes) == (1, [])


def test_what_is_passed_over_is_counted_by_extension_and_reason(make: Any, tmp_path: Path, without_heif: None) -> None:
    others = ["x.HEIC", "y.heic", "notes.txt", "noext", ".DS_Store", "film.mp4", ".thumbs/t.png"]
    folder = make.folder(tmp_path / "f", make.pictures(make.pixels(2)) | dict.fromkeys(others, b"x"))
    data = make.open("folder", folder)
    assert told(data) == {".heic": 2, ".mp4": 1, ".txt": 1, "hidden": 2, "without an extension": 1}
    assert data.notes == [f"passed over: {', '.join(map(str, data.passed_over))}"]
    assert "2 .heic (`pip install gancore[heif]` reads them)" in data.notes[0]
    assert data.about()["passed_over"][0] == {
        "what": ".heic",
        "count": 2,
        "why": "`pip install gancore[heif]` reads them",
    }


def test_heic_is_read_with_the_extra(make: Any, tmp_path: Path) -> None:
    pytest.importorskip(HEIF)
    picture = make.file(make.pixels(1)[0] // 4 * 4, "HEIF", quality=-1)
    data = make.open("folder", make.folder(tmp_path / "f", {"IMG_1.HEIC": picture}))
    assert (len(data), data.images.shape) == (1, (1, 3, 16, 16))


def test_links_to_folders_are_followed_once(make: Any, tmp_path: Path) -> None:
    folder = make.folder(tmp_path / "data", {"cats/a.png": make.file(make.pixels(1)[0])})
    make.folder(tmp_path / "elsewhere", {"b.png": make.file(make.pixels(1)[0]), "deep/c.png": b""})
    (folder / "dogs").symlink_to(tmp_path / "elsewhere")
    for name, target in (("again", tmp_path / "elsewhere"), ("deep", tmp_path / "elsewhere" / "deep")):
        (folder / "cats" / name).symlink_to(target)
    (folder / "cats" / "up").symlink_to(tmp_path)
    (tmp_path / "elsewhere" / "loop").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "back").symlink_to(folder)
    below = files_below(folder)
    assert sorted(Path(name).name for name in below.names) == ["a.png", "b.png", "c.png"]
    dataset = make.dataset("folder", path=str(folder))
    items = dataset.items()
    assert len(items) == 3
    assert told_of(dataset) == {"links to folders": len(below.not_followed)}


def told_of(dataset: Any) -> dict[str, int]:
    return {files.what: files.count for files in dataset.passed_over()}


def test_a_linked_class_is_a_class(make: Any, tmp_path: Path) -> None:
    folder = make.folder(tmp_path / "data", {f"cats/{i}.png": make.file(p) for i, p in enumerate(make.pixels(8))})
    make.folder(tmp_path / "storage", {f"{i}.png": make.file(p) for i, p in enumerate(make.pixels(8))})
    (folder / "dogs").symlink_to("../storage")
    data = make.open("folder", folder, labels=True)
    assert data.labels is not None
    assert (data.class_names, data.labels.tolist()) == (["cats", "dogs"], [0] * 8 + [1] * 8)


def test_runs_of_before_read_what_they_read(make: Any, tmp_path: Path) -> None:
    files = make.pictures(make.pixels(2)) | {"c.jfif": make.file(make.pixels(1)[0], "JPEG")}
    folder = make.folder(tmp_path / "data", files)
    (folder / "more").symlink_to(make.folder(tmp_path / "elsewhere", make.pictures(make.pixels(1))))
    assert len(make.open("folder", folder)) == 4
    before = make.open("folder", folder, format=1)
    assert len(before) == 2
    assert told(before) == {".jfif": 1, "links to folders": 1}
    assert "`data.format: 1` does not" in before.notes[0]


def test_an_empty_data_set_says_what_lay_there(make: Any, tmp_path: Path) -> None:
    folder = make.folder(tmp_path / "f", {"a.txt": b"", "b.txt": b""})
    with pytest.raises(
        DataError, match=rf"^{folder}: no images; there are 2 \.txt \(not an image that is read here\)$"
    ):
        make.open("folder", folder)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"empty: no images; it is empty$"):
        make.open("folder", tmp_path / "empty")
    with pytest.raises(DataError, match=r"x\.zip: no images; there are 1 \.csv"):
        make.open("zip", make.zip(tmp_path / "x.zip", {"a.csv": b""}))


def test_info_says_where_it_looked(make: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make.folder(tmp_path / "f", {"a.pdf": b"", ".b": b""})
    assert main(["data", "info", str(folder)]) == 2
    err = capsys.readouterr().err
    assert f"{folder}: no images are found here" in err
    assert "there are 1 .pdf (not an image that is read here), 1 hidden" in err


def test_a_large_file_is_not_read(make: Any, tmp_path: Path) -> None:
    folder = make.folder(tmp_path / "f", make.pictures(make.pixels(2)))
    with (folder / "c.png").open("wb") as file:
        os.truncate(file.fileno(), 600 * 2**20)  # of no length on the disk
    with pytest.raises(DataError, match=r"c\.png: cannot be read: larger than 512 MiB"):
        open_data(make.dataset("folder", path=str(folder)), DataKeys(resolution=16))


@pytest.mark.parametrize("args", [(), ("--json",)])
def test_info_tells_all(make: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], args: tuple[str, ...]) -> None:
    pictures = [make.file(picture) for picture in make.pixels(3)]
    files = {"x/a.png": pictures[0], "x/b.png": pictures[1], "y/c.png": pictures[2], "y/d.png": pictures[0][:-60]}
    wide = {"y/e.jpg": make.file(make.pixels(1, 20)[0], "JPEG"), "y/g.png": make.file(make.pixels(1, 16, 1)[0])}
    folder = make.folder(tmp_path / "f", files | wide | {"y/f.txt": b""})
    assert main(["data", "info", str(folder), *args]) == 0
    out = capsys.readouterr().out
    if args:
        facts = json.loads(out)
        assert (facts["count"], facts["headers"], facts["classes"]) == (4, 6, {"x": 2, "y": 4})
        assert (facts["sizes"], facts["kinds"]) == ({"16x16": 5, "20x20": 1}, {"RGB": 5, "gray": 1})
        assert facts["passed_over"] == [{"what": ".txt", "count": 1, "why": "not an image that is read here"}]
    else:
        assert "passed over: 1 .txt" in out
        assert "2 of 6 images are left out (1 damaged, 1 size)" in out
        assert "images of several kinds (3 RGB, 1 gray) are all made RGB" in out
        assert f"next        gancore data convert {folder} NEW.zip --resolution 16 --fit crop --channels 3" in out
