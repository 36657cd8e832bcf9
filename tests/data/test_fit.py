"""Fitting: exact pixels where there is a closed form."""

import numpy as np
import pytest
from PIL import Image

from gancore.data.fit import FILTERS, fitted
from gancore.data.rejected import Rejected


def image(width: int, height: int, seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(1, 256, (height, width, 3), dtype=np.uint8))


def test_fashion_mnist_is_padded_by_two_pixels_on_each_side() -> None:
    source = image(28, 28)
    padded = np.asarray(fitted(source, 32, "pad", "lanczos"))
    np.testing.assert_array_equal(padded, np.pad(np.asarray(source), ((2, 2), (2, 2), (0, 0))))


def test_odd_border_is_larger_at_the_right_and_below() -> None:
    source = image(27, 30)
    padded = np.asarray(fitted(source, 32, "pad", "lanczos"))
    np.testing.assert_array_equal(padded, np.pad(np.asarray(source), ((1, 1), (2, 3), (0, 0))))


def test_larger_images_are_padded_to_a_square_and_resized() -> None:
    source = image(64, 40)
    square = Image.fromarray(np.pad(np.asarray(source), ((12, 12), (0, 0), (0, 0))))
    expected = square.resize((32, 32), Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(np.asarray(fitted(source, 32, "pad", "bicubic")), np.asarray(expected))


def test_a_very_long_image_is_not_padded_to_a_very_large_square() -> None:
    with pytest.raises(Rejected, match=r"^1x10000, too long to pad$"):
        fitted(image(1, 10_000), 32, "pad", "lanczos")


def test_crop_takes_the_centre() -> None:
    source = image(20, 16)
    np.testing.assert_array_equal(np.asarray(fitted(source, 16, "crop", "lanczos")), np.asarray(source)[:, 2:18])


def test_box_filter_halves_by_means() -> None:
    source = image(32, 32)
    means = np.asarray(source).reshape(16, 2, 16, 2, 3).mean((1, 3))
    assert np.abs(np.asarray(fitted(source, 16, "resize", "box")) - means).max() <= 1  # rounded in each direction


def test_wide_is_the_centre_between_bars() -> None:
    source = image(96, 64)  # 85x64 of it are 4:3
    part = source.crop((5, 0, 90, 64)).resize((32, 24), Image.Resampling.LANCZOS)
    expected = np.pad(np.asarray(part), ((4, 4), (0, 0), (0, 0)))
    np.testing.assert_array_equal(np.asarray(fitted(source, 32, "wide", "lanczos")), expected)


@pytest.mark.parametrize("size", [(512, 384), (512, 512), (512, 600), (900, 384)])
def test_lsun_car_is_512x384_in_512x512(size: tuple[int, int]) -> None:
    source = image(*size)
    found = np.asarray(fitted(source, 512, "wide", "lanczos"))
    left, top = (size[0] - 512) // 2, (size[1] - 384) // 2
    expected = np.asarray(source)[top : top + 384, left : left + 512]
    np.testing.assert_array_equal(found, np.pad(expected, ((64, 64), (0, 0), (0, 0))))
    np.testing.assert_array_equal(np.asarray(fitted(Image.fromarray(found), 512, "wide", "lanczos")), found)


@pytest.mark.parametrize("filter", FILTERS)
@pytest.mark.parametrize("fit", ["resize", "crop", "pad", "wide"])
@pytest.mark.parametrize("size", [(40, 30), (8, 12), (16, 16), (1, 100)])
def test_every_fit_gives_the_resolution(fit: str, filter: str, size: tuple[int, int]) -> None:
    assert fitted(image(*size), 16, fit, filter).size == (16, 16)


def test_an_image_that_fits_is_left_alone() -> None:
    source = image(16, 16)
    for fit in (None, "resize", "crop", "pad"):
        assert fitted(source, 16, fit, "lanczos") is source


def test_without_fit_another_size_is_refused() -> None:
    with pytest.raises(Rejected, match=r"^28x20, not 32x32$"):
        fitted(image(28, 20), 32, None, "lanczos")
