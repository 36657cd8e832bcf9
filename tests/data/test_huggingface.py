"""Data sets that `datasets` saved (tests/data/huggingface/make.py) hold what went in; what is wrong is one line."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gancore.cli import main
from gancore.config.sections.data import DataKeys
from gancore.data import ImageData, open_data
from gancore.errors import DataError

pa = pytest.importorskip("pyarrow")
HERE = Path(__file__).parent / "huggingface" / "splits"
PIXELS = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), dtype=np.uint8)
LABELS = [0, 2, 1, 1, 0, 2]
SHARD = "data-00000-of-00002.arrow"


def opened(make: Any, path: Path, labels: bool = True, decode: str = "ahead", **options: Any) -> ImageData:
    return open_data(make.dataset("huggingface", path=str(path), **options), DataKeys(labels=labels, decode=decode))


@pytest.fixture
def train(tmp_path: Path) -> Path:
    """The training split by itself, to be changed."""
    return Path(shutil.copytree(HERE / "train", tmp_path / "train"))


def rewritten(path: Path, change: Callable[[Any], Any], **options: Any) -> None:
    """The file with another table."""
    with pa.ipc.open_stream(path.read_bytes()) as stream:
        table = change(stream.read_all())
    with pa.ipc.new_stream(str(path), table.schema, options=pa.ipc.IpcWriteOptions(**options)) as stream:
        stream.write_table(table, max_chunksize=2)


def edited(path: Path, **keys: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | keys))


@pytest.mark.parametrize("decode", ["ahead", "on_the_fly"])
def test_as_a_folder(make: Any, tmp_path: Path, decode: str) -> None:
    files = {f"{i}.png": make.file(pixels) for i, pixels in enumerate(PIXELS)}
    index = {"labels": [[f"{i}.png", label] for i, label in enumerate(LABELS)], "classes": ["cat", "dog", "emu"]}
    expected = make.open("zip", make.zip(tmp_path / "x.zip", files, index), labels=True)
    found = opened(make, HERE, decode=decode)
    np.testing.assert_array_equal(found.images[:], PIXELS.transpose(0, 3, 1, 2))
    assert found.identity.sha256 == expected.identity.sha256
    assert found.class_names == expected.class_names
    if decode == "ahead":
        archive = tmp_path / "converted.zip"
        assert main(["data", "convert", str(HERE), str(archive)]) == 0
        assert make.open("zip", archive, labels=True).identity.sha256 == expected.identity.sha256
        assert main(["data", "info", str(HERE / "train")]) == 0


def test_splits(make: Any, train: Path) -> None:
    test = opened(make, HERE, split="test")
    np.testing.assert_array_equal(test.images, PIXELS[[1, 3]].transpose(0, 3, 1, 2))
    assert test.labels.tolist() == [2, 1]
    assert opened(make, train).identity == opened(make, HERE, split="train").identity
    with pytest.raises(DataError, match="no split 'tests'; did you mean 'test'"):
        opened(make, HERE, split="tests")
    with pytest.raises(DataError, match="one data set without splits"):
        opened(make, train, split="train")


def test_several_batches_and_missing_labels_and_images(make: Any, train: Path) -> None:
    rewritten(train / SHARD, lambda table: table.set_column(1, "label", pa.array([0, None, -1])))
    np.testing.assert_array_equal(opened(make, train, labels=False).images, PIXELS.transpose(0, 3, 1, 2))
    with pytest.raises(DataError, match=r"2 of 6 images have no label: data-00000-of-00002\.arrow\[1\], "):
        opened(make, train)
    only_path = pa.array(
        [None, {"bytes": None, "path": "a.png"}, None], pa.struct({"bytes": pa.binary(), "path": pa.string()})
    )
    rewritten(train / SHARD, lambda table: table.set_column(0, "image", only_path))
    with pytest.raises(DataError, match=r"arrow\[1\]: cannot be read: not in the data set, which has its path only"):
        opened(make, train, labels=False)


def test_columns(make: Any, train: Path) -> None:
    info = train / "dataset_info.json"
    features = json.loads(info.read_text())["features"]
    edited(info, features=features | {"other": {"_type": "Image"}, "kind": {"_type": "ClassLabel", "names": ["x"]}})
    with pytest.raises(DataError, match="`image` must name a column of images: image, other"):
        opened(make, train)
    with pytest.raises(DataError, match="`label` must name one of label, kind"):
        opened(make, train, image="image")
    assert opened(make, train, image="image", label="label").class_names == ["cat", "dog", "emu"]
    edited(info, features=features | {"label": {"_type": "Value", "dtype": "int64"}})
    assert opened(make, train, label="label").class_names == ["0", "1", "2"]
    with pytest.raises(DataError, match="its labels are string, not whole numbers"):
        opened(make, train, label="text")
    edited(info, features={"text": {"_type": "Value"}})
    with pytest.raises(DataError, match="must name a column of images: none; its columns are text"):
        opened(make, train)


DAMAGES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "cut off": (lambda path: path.write_bytes(path.read_bytes()[:-9]), "truncated: its end is missing"),
    "cut in two": (lambda path: path.write_bytes(path.read_bytes()[:900]), "truncated: its end is missing"),
    "empty": (lambda path: path.write_bytes(b""), ""),
    "only an end": (lambda path: path.write_bytes(b"\xff\xff\xff\xff\0\0\0\0"), "without a schema"),
    "words": (lambda path: path.write_bytes(b"words" * 99 + b"\xff\xff\xff\xff\0\0\0\0"), ""),
    "compressed": (lambda path: rewritten(path, lambda t: t, compression="zstd"), "a compressed or unknown part"),
    "no column": (lambda path: rewritten(path, lambda t: t.drop_columns(["image"])), "no column 'image'"),
    "numbers": (
        lambda path: rewritten(path, lambda t: t.set_column(0, "image", pa.array([1, 2, 3]))),
        "its images are int64, not `bytes` and `path`",
    ),
    "offsets": (lambda path: path.write_bytes(path.read_bytes().replace(b"\x0c\x01\0\0", b"\xff\xff\xff\x7f")), ""),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_one_line(make: Any, train: Path, damage: str, capsys: pytest.CaptureFixture[str]) -> None:
    inflict, told = DAMAGES[damage]
    inflict(train / SHARD)
    with pytest.raises(DataError, match=rf"00000-of-00002\.arrow: not an Arrow file of images, or damaged \({told}"):
        opened(make, train)
    before = sorted(train.parent.rglob("*"))
    assert main(["data", "convert", str(train), str(train.parent / "new.zip")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert sorted(train.parent.rglob("*")) == before


@pytest.mark.parametrize(
    ("file", "content", "told"),
    [
        ("state.json", "{", "not what `save_to_disk` writes"),
        ("state.json", "[" * 100_000, "not what `save_to_disk` writes"),
        ("state.json", '{"_data_files": 3}', "_data_files should be a list of names"),
        ("state.json", '{"_data_files": [{"filename": "../x.arrow"}]}', "no names of what is in this folder"),
        ("state.json", '{"_data_files": [{"filename": "\\u001b[31m"}]}', r"no names of what .*: \\x1b\[31m"),
        ("state.json", '{"_data_files": [{"filename": "x.arrow"}]}', r"x\.arrow of state\.json are not here"),
        ("state.json", '{"_indices_data_files": [{}]}', "a choice of rows"),
        ("dataset_info.json", '{"features": 3}', "features should be a mapping"),
        ("dataset_info.json", "\0", "not what `save_to_disk` writes"),
    ],
)
def test_foreign_files_around_the_data_are_one_line(make: Any, train: Path, file: str, content: str, told: str) -> None:
    (train / file).write_text(content)
    with pytest.raises(DataError, match=told) as caught:
        opened(make, train)
    assert "\n" not in str(caught.value)


def test_no_data_set(make: Any, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no data set that `save_to_disk` wrote"):
        opened(make, tmp_path)
