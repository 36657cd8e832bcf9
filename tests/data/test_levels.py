"""Images of more than 8 bits: which values become black and white, and the messages about unsuitable ones."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from gancore.cli import main
from gancore.config.sections.data import DataKeys
from gancore.errors import DataError

RAMP = np.linspace(0, 4095, 256).reshape(16, 16)


def saved(path: Path, values: np.ndarray, mode: str) -> Path:
    """A file whose Pillow mode is I;16, I or F, or a PGM of 16 bits."""
    path.parent.mkdir(exist_ok=True)
    if path.suffix == ".pgm":
        path.write_bytes(b"P5 16 16 65535\n" + values.astype(">u2").tobytes())
    else:
        dtype = {"I;16": np.uint16, "I": np.int32, "F": np.float32}[mode]
        Image.fromarray(values.astype(dtype)).save(path)
    with Image.open(path) as image:
        assert image.mode == mode
    return path.parent


@pytest.mark.parametrize(("name", "mode"), [("a.png", "I;16"), ("a.tif", "I;16"), ("a.pgm", "I")])
def test_the_upper_of_16_bits_are_kept_and_a_small_range_is_noted(
    make: Any, tmp_path: Path, name: str, mode: str
) -> None:
    data = make.open("folder", saved(tmp_path / "f" / name, RAMP, mode), channels=1)
    np.testing.assert_array_equal(data.images[0, 0], RAMP.astype(int) >> 8)
    (note,) = data.notes
    assert note.startswith("values of 1 images of more than 8 bits go from 0 to 4095, a small part of 0 to 65535")
    assert note.endswith("`levels: [0, 4095]` uses all of them")


@pytest.mark.parametrize(
    ("name", "mode"), [("a.png", "I;16"), ("a.tif", "I;16"), ("a.pgm", "I"), ("b.tif", "I"), ("c.tif", "F")]
)
def test_levels_become_black_and_white(make: Any, tmp_path: Path, name: str, mode: str) -> None:
    folder = saved(tmp_path / "f" / name, RAMP, mode)
    data = make.open("folder", folder, channels=1, levels=(0.0, 4095.0))
    assert data.notes == []
    assert np.abs(data.images[0, 0].astype(float) - np.arange(256).reshape(16, 16)).max() <= 1
    cut = make.open("folder", folder, channels=1, levels=(1000.0, 3000.0))
    assert (cut.images.min(), cut.images.max()) == (0, 255)
    assert "go from 0 to 4095, and those beyond 1000 to 3000 are cut off" in cut.notes[0]
    assert cut.identity.sha256 != data.identity.sha256


@pytest.mark.parametrize(("name", "mode", "words"), [("b.tif", "I", "32-bit numbers"), ("c.tif", "F", "with a point")])
def test_a_range_that_is_not_known_is_asked_for(
    make: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, mode: str, words: str
) -> None:
    folder = saved(tmp_path / "f" / name, RAMP, mode)
    with pytest.raises(DataError, match=rf"{words}, here from 0 to 4095, whose range is not known\n`levels: \[lowest"):
        make.open("folder", folder)
    assert main(["data", "info", str(folder)]) == 0
    out = capsys.readouterr().out
    assert "whose range is not known" in out
    assert out.endswith("--resolution 16 --fit crop --levels LOWEST HIGHEST\n")
    archive = str(tmp_path / "x.zip")
    assert main(["data", "convert", str(folder), archive]) == 2
    assert "--levels LOWEST HIGHEST says which values become" in capsys.readouterr().err
    assert main(["data", "convert", str(folder), archive, "--levels", "0", "4095"]) == 0


def test_images_of_8_bits_are_left_alone(make: Any, tmp_path: Path) -> None:
    folder = make.folder(tmp_path / "f", make.pictures(make.pixels(2)))
    data = make.open("folder", folder, levels=(0.0, 4095.0))
    assert data.identity.sha256 == make.open("folder", folder).identity.sha256
    assert data.notes == []


def test_a_value_that_is_not_finite(make: Any, tmp_path: Path) -> None:
    values = RAMP.copy()
    values[0, 0] = np.nan
    folder = saved(tmp_path / "f" / "c.tif", values, "F")
    with pytest.raises(DataError, match="values that are not finite"):
        make.open("folder", folder, levels=(0.0, 1.0))


@pytest.mark.parametrize("levels", [(1.0, 1.0), (2.0, 1.0), (0.0,), (0.0, float("inf"))])
def test_wrong_levels(levels: Any) -> None:
    with pytest.raises(ValidationError):
        DataKeys(levels=levels)
