"""Opening a data set: what is refused and how that is said, what is skipped, what the content hash depends on."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gancore.config.sections.data import DataKeys
from gancore.contracts import Dataset, Interface, Item, PluginConfig
from gancore.data import interface_of, open_data
from gancore.errors import DataError


class Given(Dataset):
    """A data set of given items."""

    def __init__(self, items: list[Item], classes: list[str] | None = None) -> None:
        super().__init__(PluginConfig(), Path())
        self.given, self.classes = items, classes

    def items(self) -> list[Item]:
        return self.given

    def class_names(self) -> list[str] | None:
        return self.classes


def given(*pixels: Any, labels: list[int | None] | None = None, classes: list[str] | None = None) -> Given:
    labels = labels or [None] * len(pixels)
    return Given(
        [Item(f"{i}.png", lambda p=p: p, label) for i, (p, label) in enumerate(zip(pixels, labels, strict=True))],
        classes,
    )


def message(dataset: Dataset, **keys: Any) -> str:
    with pytest.raises(DataError) as caught:
        open_data(dataset, DataKeys(**keys))
    return str(caught.value)


@pytest.fixture
def flawed(make: Any, tmp_path: Path) -> Path:
    """Three sound pictures, and one of every flaw."""
    sound = make.pictures(make.pixels(3))
    return make.folder(
        tmp_path / "flawed",
        sound
        | {
            "cut.png": sound["a.png"][:200],
            "gray.png": make.file(make.pixels(1, 16, 1)[0]),
            "large.png": make.file(make.pixels(1, 20)[0]),
            "text.png": b"no image",
            "wide.png": make.file(Image.new("RGB", (32, 16))),
        },
    )


def test_all_unusable_images_are_named_in_one_error(make: Any, flawed: Path) -> None:
    text = message(make.dataset("folder", path=str(flawed)))
    lines = text.splitlines()
    assert lines[0] == "5 of 8 images cannot be used (1 channels, 2 damaged, 2 size):"
    assert lines[1].startswith("  cut.png: cannot be decoded: ")
    assert lines[2] == "  gray.png: gray, unlike the others (RGB)"
    assert lines[3] == "  large.png: 20x20, not 16x16"
    assert lines[4].startswith("  text.png: not an image")
    assert lines[5] == "  wide.png: 32x16, not 16x16"
    assert "`fit: resize | crop | pad | wide`" in lines[6]
    assert "`invalid: skip`" in lines[6]


def test_unusable_images_are_skipped_and_counted_when_asked(make: Any, flawed: Path) -> None:
    data = make.open("folder", flawed, invalid="skip", channels=3)
    assert len(data) == 4
    assert [line.partition(":")[0] for line in data.skipped] == ["cut.png", "large.png", "text.png", "wide.png"]
    np.testing.assert_array_equal(data.images[[0, 1, 2]], make.pixels(3).transpose(0, 3, 1, 2))
    left_out, kinds = data.notes
    assert left_out.startswith("4 of 8 images are left out (2 damaged, 2 size): cut.png: cannot be decoded")
    assert kinds == "images of several kinds (3 RGB, 1 gray) are all made RGB"
    assert data.about()["skipped"] == {"count": 4, "images": data.skipped}


def test_those_before_were_skipped_for_their_kind_and_however_many(make: Any, flawed: Path) -> None:
    data = make.open("folder", flawed, invalid="skip", format=1)
    assert len(data) == 3
    assert "gray.png: gray, unlike the others (RGB)" in data.skipped


def test_most_of_the_images_are_not_skipped(make: Any, flawed: Path) -> None:
    for name in "xyz":
        (flawed / f"{name}.png").write_bytes(b"no image")
    text = message(make.dataset("folder", path=str(flawed)), invalid="skip", channels=3)
    assert text.startswith("most would be left out: 7 of 11 images cannot be used (5 damaged, 2 size):\n  cut.png: ")


def test_kinds_are_those_of_all_images_not_of_the_first(make: Any) -> None:
    gray, colored = make.pixels(40, channels=1)[..., 0], make.pixels(41)
    text = message(given(*gray, *colored))
    assert text.startswith("40 of 81 images cannot be used (40 channels):\n  0.png: gray, unlike the others (RGB)")
    assert "`channels: 1 | 2 | 3 | 4` makes all of them" in text
    assert "invalid: skip" not in message(given(*gray, *colored), invalid="skip")
    assert len(open_data(given(*gray, *colored), DataKeys(channels=3))) == 81


def test_fit_mends_sizes_only(make: Any, flawed: Path) -> None:
    assert "3 of 8 images cannot be used (1 channels, 2 damaged)" in message(
        make.dataset("folder", path=str(flawed)), fit="crop"
    )


def test_labels_stay_with_their_images_when_some_are_skipped(make: Any) -> None:
    good = make.pixels(4)
    data = open_data(
        given(good[0], b"", good[1], b"", good[2], labels=[2, 0, 1, 0, 0], classes=["a", "b", "c"]),
        DataKeys(labels=True, invalid="skip"),
    )
    assert data.labels is not None
    assert data.labels.tolist() == [2, 1, 0]
    assert data.class_names == ["a", "b", "c"]


def test_ten_are_listed_and_the_rest_counted(make: Any) -> None:
    text = message(given(make.pixels(1)[0], *[b"x"] * 13))
    assert "  12.png" not in text
    assert "  10.png: not an image" in text
    assert "  and 3 more" in text


def test_looking_ends_when_very_many_are_unusable(make: Any) -> None:
    assert "200 of 201 images" in message(given(make.pixels(1)[0], *[b"x"] * 900))


def test_when_all_are_skipped_nothing_is_left(make: Any) -> None:
    text = message(given(b"x", b"y"), invalid="skip", resolution=16)
    assert text.startswith("2 of 2 images cannot be used (2 damaged)")
    assert "invalid: skip" not in text


def test_the_size_of_unreadable_images_is_not_known() -> None:
    text = message(given(b"x", b"y"))
    assert text.startswith("2 of 2 images cannot be used (2 damaged):\n  0.png: not an image")
    assert text.endswith("so their size is not known; `resolution` may say it")


def test_empty() -> None:
    assert message(given()) == "the data set is empty"


def test_reading_may_fail_in_any_way(make: Any) -> None:
    def fail() -> bytes:
        raise KeyError("gone")

    dataset = given(make.pixels(1)[0])
    dataset.given.append(Item("odd.png", fail))
    assert "odd.png: cannot be read: 'gone'" in message(dataset)


def test_not_square(make: Any) -> None:
    wide = np.zeros((16, 24, 3), np.uint8)
    assert "not square (24x16)" in message(given(wide, wide))
    assert "0.png: 24x16, not 16x16" in message(given(wide, wide), resolution=16)
    assert len(open_data(given(wide, wide), DataKeys(resolution=16, fit="crop"))) == 2


def test_decompression_bomb(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    content = make.file(make.pixels(1)[0])
    for pixels in (200, 100):  # Pillow warns at once and refuses at twice its limit
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", pixels)
        assert "decompression bomb" in message(given(content), resolution=16)


@pytest.mark.parametrize(
    ("labels", "classes", "reason"),
    [
        ([None, None, None], None, "the data set has no labels; `labels: false` trains without them"),
        ([0, None, 1], ["a", "b"], "1 of 3 images have no label: 1.png"),
        ([0, 2, 1], ["a", "b"], "labels must be 0 to 1; 1 are not: 1.png (2)"),
        ([0, -1, 1], ["a", "b"], "labels must be 0 to 1; 1 are not: 1.png (-1)"),
    ],
)
def test_labels_are_checked(make: Any, labels: list[int | None], classes: list[str] | None, reason: str) -> None:
    assert reason in message(given(*make.pixels(3), labels=labels, classes=classes), labels=True)


def test_too_many_classes_are_refused_before_they_are_counted(make: Any) -> None:
    assert "there is a 100000" in message(given(*make.pixels(2), labels=[10**5, 0]), labels=True)
    names = [str(i) for i in range(100_001)]
    assert message(given(*make.pixels(2), labels=[1, 0], classes=names), labels=True).startswith("100,001 classes")


@pytest.mark.parametrize("skip", ["error", "skip"])
def test_looking_at_a_data_set_finds_that_none_of_the_first_images_can_be_used(make: Any, skip: str) -> None:
    cut = make.file(make.pixels(1)[0])[:-40]  # its header is whole
    keys = DataKeys(resolution=16, invalid=skip)
    with pytest.raises(DataError, match=r"^2 of 2 images cannot be used \(2 damaged\):\n  0.png: cannot be decoded"):
        interface_of(given(cut, cut), keys)
    with pytest.raises(DataError, match=r"\(1 size\):\n  0.png: 16x16, not 8x8"):
        interface_of(given(*make.pixels(1)), DataKeys(resolution=8))
    assert interface_of(given(cut, *make.pixels(1)), keys) == Interface(16, 3, 0)


def test_when_images_are_skipped_the_good_ones_may_come_late(make: Any) -> None:
    late = given(*[b"x"] * 32, *make.pixels(1))
    assert interface_of(late, DataKeys(resolution=16, invalid="skip")) == Interface(16, 3, 0)
    with pytest.raises(DataError, match=r"^the first 32 of 33 images"):
        interface_of(late, DataKeys(resolution=16))


def test_labels_without_names_are_counted(make: Any) -> None:
    assert open_data(given(*make.pixels(2), labels=[3, 0]), DataKeys(labels=True)).class_names == ["0", "1", "2", "3"]


def test_interface_is_known_without_decoding(make: Any) -> None:
    def never() -> bytes:
        raise AssertionError("decoded")

    dataset = given(*make.pixels(32), labels=[0] * 32, classes=["a", "b"])
    dataset.given += [Item("late.png", never, 1)] * 3
    assert interface_of(dataset, DataKeys(labels=True, channels=1)) == Interface(16, 1, 2)
    assert interface_of(dataset, DataKeys(resolution=8, fit="resize")) == Interface(8, 3, 0)


def test_identity(make: Any) -> None:
    keys = DataKeys(resolution=16, mirror=True, fit="pad", filter="box", channels=1)
    identity = open_data(given(*make.pixels(2)), keys, name="mine").identity
    assert identity.to_dict() | {"sha256": ""} == {
        "sha256": "",
        "count": 2,
        "resolution": 16,
        "channels": 1,
        "label_dim": 0,
        "filter": "box",
        "fit": "pad",
        "mirror": True,
        "dataset": "mine",
    }


def test_hash_is_that_of_the_content(make: Any, tmp_path: Path) -> None:
    pixels = make.pixels(4)
    files = {f"{'xy'[i // 2]}/{i}.png": make.file(picture) for i, picture in enumerate(pixels)}
    index = {"labels": [[name, int(name[0] == "y")] for name in files]}
    folder = make.open("folder", make.folder(tmp_path / "f", files), labels=True)
    archive = make.open("zip", make.zip(tmp_path / "z.zip", files, index), labels=True)
    array = open_data(given(*pixels, labels=[0, 0, 1, 1]), DataKeys(labels=True))
    assert folder.identity.sha256 == archive.identity.sha256 == array.identity.sha256
    assert len(folder.identity.sha256) == 64


def test_hash_changes_with_a_pixel_a_label_or_the_order(make: Any) -> None:
    def sha256(pixels: np.ndarray, given_labels: list[int | None], **keys: Any) -> str:
        return open_data(given(*pixels, labels=given_labels), DataKeys(**keys)).identity.sha256

    pixels, labels = make.pixels(4), [0, 1, 0, 1]
    changed = pixels.copy()
    changed[3, 15, 15, 2] ^= 1
    hashes = [
        sha256(pixels, labels, labels=True),
        sha256(changed, labels, labels=True),
        sha256(pixels, [0, 1, 1, 0], labels=True),
        sha256(pixels[[1, 0, 2, 3]], labels, labels=True),
        sha256(pixels[:3], labels[:3], labels=True),
        sha256(pixels, labels),
        sha256(pixels, labels, labels=True, resolution=8, fit="resize"),
        sha256(pixels, labels, labels=True, channels=1),
    ]
    assert len(set(hashes)) == len(hashes)
    assert sha256(pixels, labels, labels=True, mirror=True) == hashes[0]
