"""A phone's folder of pictures, from `data info` to a model in three commands, each of which names the next one."""

import io
import json
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gancore.artifacts import load
from gancore.cli import main
from gancore.data import formats

EXPERIMENT = """
data: {use: emoji}
generator: {use: mlp, normalization: none, z_dim: 4, hidden: [8]}
discriminator: {use: mlp, normalization: none, hidden: [8]}
training: {kimg: 0.008, batch: 4}
evaluation: null
"""

UPRIGHT_BY_A_TURN = 6
"""The EXIF orientation of a picture that was taken with the phone upright."""


def photo(number: int, mode: str = "RGB", size: tuple[int, int] = (40, 30)) -> Image.Image:
    """Dark at the left, bright at the right."""
    row = np.linspace(20 * number, 100 + 20 * number, size[0]).astype(np.uint8)
    return Image.fromarray(np.tile(row, (size[1], 1))).convert(mode)


def encoded(image: Image.Image, format: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


@pytest.fixture
def phone(tmp_path: Path) -> Path:
    folder, other = tmp_path / "my phone", tmp_path / "elsewhere"
    exif = Image.Exif()
    exif[0x0112] = UPRIGHT_BY_A_TURN
    whole = encoded(photo(0), "JPEG")
    files = {
        folder / "IMG_0001.JPG": whole,
        folder / "IMG_0002.jpeg": encoded(photo(1), "JPEG", exif=exif),
        folder / "IMG_0003.jpg": whole[:-40],
        folder / "Screenshot.png": encoded(photo(2, "RGBA", (36, 64)), "PNG"),
        folder / ".DS_Store": b"\0",
        folder / "IMG_0001.MOV": b"film",
        other / "a.jpg": encoded(photo(3), "JPEG"),
        other / "b.webp": encoded(photo(4), "WEBP"),
    }
    if "HEIF" in formats.readable():
        files[folder / "IMG_0004.HEIC"] = encoded(photo(3), "HEIF")
    else:
        files[folder / "IMG_0004.HEIC"] = b"\0\0\0\x18ftypheic"
    for path, content in files.items():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    (folder / "holidays").symlink_to(other)
    return folder


def test_from_a_phone_to_a_model(
    phone: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.yaml").write_text(EXPERIMENT)
    reads_heic = "HEIF" in formats.readable()

    assert main(["data", "info", phone.name]) == 0
    out = capsys.readouterr().out
    assert "1 hidden" in out
    assert "1 .mov" in out
    assert "IMG_0003.jpg: " in out
    assert ("1 .heic (`pip install gancore[heif]` reads them)" in out) is not reads_heic
    (line,) = [line.removeprefix("next").strip() for line in out.splitlines() if line.startswith("next")]
    assert line == "gancore data convert 'my phone' NEW.zip --resolution 16 --fit crop --channels 3 --skip-invalid"

    assert main(shlex.split(line)[1:]) == 0
    said = capsys.readouterr().err
    assert "are left out (1 damaged): IMG_0003.jpg: " in said
    assert "1 RGB with alpha) are all made RGB" in said
    (line,) = [line.removeprefix("next: ") for line in said.splitlines() if line.startswith("next: ")]
    assert line.startswith("gancore train EXPERIMENT.yaml --data NEW.zip -o data.resolution=16")

    command = line.partition(" (")[0].replace("EXPERIMENT", "x")
    assert main([*shlex.split(command)[1:], "--out", "run"]) == 0
    assert "model in run/model.safetensors" in capsys.readouterr().err
    assert load("run").resolution == 16
    about = json.loads(Path("run/environment.json").read_text())
    assert about["data"]["count"] == 5 + reads_heic


def test_a_picture_that_was_taken_upright_is_upright(phone: Path, make: Any) -> None:
    only = make.folder(phone.parent / "one", {"a.jpg": (phone / "IMG_0002.jpeg").read_bytes()})
    (image,) = make.open("folder", only, resolution=16, fit="resize").images
    assert image[0, 0, 8] < image[0, -1, 8] - 40  # dark above: its left was above
    assert abs(int(image[0, 8, 0]) - int(image[0, 8, -1])) < 20
