"""TFRecords, written by the package tfrecord 1.14.6 (tests/data/tfrecord): the images and labels that went in."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gancore.errors import DataError

pytest.importorskip("crc32c")
HERE = Path(__file__).parent / "tfrecord"
PIXELS = np.random.default_rng(0).integers(0, 256, (6, 3, 8, 8), dtype=np.uint8)


@pytest.mark.parametrize("decode", ["ahead", "on_the_fly"])
def test_as_a_folder(make: Any, tmp_path: Path, decode: str) -> None:
    labels = [0, 2, 1, 1, 0, 2]
    files = {f"{i}.png": make.file(pixels.transpose(1, 2, 0)) for i, pixels in enumerate(PIXELS)}
    index = {"labels": [[name, label] for name, label in zip(files, labels, strict=True)]}
    expected = make.open("zip", make.zip(tmp_path / "x.zip", files, index), labels=True)
    found = make.open("tfrecord", HERE, labels=True, decode=decode)
    np.testing.assert_array_equal(found.images[:], PIXELS)
    assert found.identity.sha256 == expected.identity.sha256
    assert found.class_names == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda content: content[:-5], "truncated: its last record is not whole"),
        (lambda content: b"\1" + content[1:], "not a TFRecord file, or damaged at byte 0"),
        (lambda content: content[:60] + bytes([content[60] ^ 1]) + content[61:], "record 0 is damaged: its checksum"),
    ],
)
def test_damage_is_one_line(make: Any, tmp_path: Path, damage: Any, reason: str) -> None:
    path = shutil.copy(HERE / "small-r03.tfrecords", tmp_path)
    Path(path).write_bytes(damage(Path(path).read_bytes()))
    with pytest.raises(DataError, match=reason) as caught:
        make.open("tfrecord", path)
    assert "\n" not in str(caught.value)
