"""Decoding: what becomes of every kind of pixel, and what is said of damaged files."""

from typing import Any

import numpy as np
import pytest
from PIL import Image

from gancore.data.decode import Form, decode
from gancore.data.formats import FORMATS, readable
from gancore.data.rejected import Rejected

RGB = Form(16, 3, None, "lanczos")


def solid(mode: str, color: Any, size: int = 16) -> Image.Image:
    return Image.new(mode, (size, size), color)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (solid("L", 77), (77, 77, 77)),
        (solid("1", 1), (255, 255, 255)),
        (solid("RGB", (1, 2, 3)), (1, 2, 3)),
        (solid("RGBA", (9, 8, 7, 0)), (255, 255, 255)),
        (solid("RGBA", (9, 8, 7, 255)), (9, 8, 7)),
        (solid("RGBA", (0, 0, 0, 51)), (204, 204, 204)),
        (solid("LA", (40, 255)), (40, 40, 40)),
        (solid("LA", (40, 0)), (255, 255, 255)),
        (solid("I;16", 0x8FFF), (0x8F, 0x8F, 0x8F)),
        (solid("I;16", 0xFFFF), (255, 255, 255)),
    ],
)
def test_every_kind_of_pixel_becomes_rgb(make: Any, image: Image.Image, expected: tuple[int, int, int]) -> None:
    decoded = decode(make.file(image), RGB)
    assert decoded.shape == (3, 16, 16)
    assert decoded.dtype == np.uint8
    assert (decoded == np.array(expected)[:, None, None]).all()


def test_cmyk(make: Any) -> None:
    decoded = decode(make.file(solid("CMYK", (0, 255, 255, 0)), "JPEG", quality=95), RGB)
    assert decoded[0].min() > 245
    assert decoded[1:].max() < 10


def test_palette_with_and_without_a_transparent_color(make: Any) -> None:
    image = solid("RGB", (200, 10, 10)).quantize(4)
    assert (decode(make.file(image), RGB)[:, 0, 0] == (200, 10, 10)).all()
    assert (decode(make.file(image, transparency=0), RGB) == 255).all()


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_channels_asked_for_are_given(make: Any, channels: int) -> None:
    form = Form(16, channels, None, "lanczos")
    for held in (1, 2, 3, 4):
        assert decode(make.file(make.pixels(1, 16, held)[0]), form).shape == (channels, 16, 16)


def test_own_channels_are_kept_exactly(make: Any) -> None:
    for channels in (1, 2, 3, 4):
        pixels = make.pixels(1, 16, channels)[0]
        decoded = decode(make.file(pixels), Form(16, channels, None, "lanczos"))
        np.testing.assert_array_equal(decoded, pixels.transpose(2, 0, 1))
        np.testing.assert_array_equal(decode(pixels, Form(16, channels, None, "lanczos")), decoded)


def test_exif_orientation_is_applied(make: Any) -> None:
    pixels = make.pixels(1)[0]
    exif = Image.Exif()
    exif[0x0112] = 6  # rotate by 90 degrees clockwise to stand upright
    decoded = decode(make.file(pixels, exif=exif), RGB)
    np.testing.assert_array_equal(decoded, np.rot90(pixels, -1).transpose(2, 0, 1))


def test_first_frame_of_an_animation(make: Any) -> None:
    frames = [solid("RGB", (255, 0, 0)), solid("RGB", (0, 255, 0))]
    content = make.file(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert (decode(content, RGB)[:, 0, 0] == (255, 0, 0)).all()


@pytest.mark.parametrize("format", sorted({*FORMATS} - {"ICNS", "PSD", "SUN", "XBM", "XPM"}))
def test_every_format_that_can_be_made_here_is_read_and_its_truncation_noticed(make: Any, format: str) -> None:
    if format not in readable():
        pytest.skip(f"{format} needs an extra")
    content = make.file(make.pixels(1, 32)[0], format)
    form = Form(32, 3, None, "lanczos")
    assert decode(content, form).shape == (3, 32, 32)
    for size in (len(content) // 2, 20, 0):
        with pytest.raises(Rejected) as caught:
            decode(content[:size], form)
        assert caught.value.kind == "damaged"


def test_no_changed_byte_of_a_png_changes_its_pixels_unnoticed(make: Any) -> None:
    pixels = make.pixels(1)[0] // 32
    content = make.file(pixels, compress_level=9)
    noticed = 0
    for position in range(len(content)):
        damaged = bytearray(content)
        damaged[position] ^= 128
        try:
            np.testing.assert_array_equal(decode(bytes(damaged), RGB), pixels.transpose(2, 0, 1))
        except Rejected as rejected:
            noticed += rejected.kind == "damaged"
    assert noticed > 0.9 * len(content)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "an empty file"),
        (b"hello", "not an image of a kind that is read here"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 16 16\n", "not an image"),
        (np.zeros((16, 16, 3)), "not uint8 [H, W] or [H, W, C], but float64 [16, 16, 3]"),
        (np.zeros((16, 16, 5), np.uint8), "but uint8 [16, 16, 5]"),
        (np.zeros(16, np.uint8), "but uint8 [16]"),
    ],
)
def test_what_is_no_image_is_refused(content: Any, reason: str) -> None:
    with pytest.raises(Rejected) as caught:
        decode(content, RGB)
    assert reason in str(caught.value)


def test_float_pixels_are_refused(make: Any) -> None:
    with pytest.raises(Rejected, match=r"numbers with a point, here from 0\.5 to 0\.5, whose range is not known"):
        decode(make.file(solid("F", 0.5), "TIFF"), RGB)


def test_other_kinds_of_pixel_than_the_others_are_refused(make: Any) -> None:
    with pytest.raises(Rejected, match="gray, unlike the others"):
        decode(make.file(solid("L", 0)), Form(16, 3, None, "lanczos", held=3))
