"""Samples as data URIs: the upper left tiles of a grid of images, so few and so small that a page can carry them."""

import base64
import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

WANTED = 256
"""Target side of a picture, pixels, for the choice of tiles."""
LARGEST = 448
"""Larger sides are shrunk, pixels."""
FIGURE = 900
"""The same for figures of analyses."""
SMALLEST = 64
"""Smallest side to which a picture is shrunk to save bytes, pixels."""
PAGE = 12 * 2**20
"""Bytes that all pictures of a page may take; those of large grids are shrunk to their share."""


@dataclass(frozen=True)
class Picture:
    """uri: data:image/...; tiles: images along a side of it, of `of` in the file; kimg: None for real images.

    pixels: whether to show single pixels when it is enlarged.
    """

    uri: str
    width: int
    tiles: int
    of: int
    kimg: float | None
    pixels: bool


def newest(samples: Path) -> Path | None:
    """The last grid of fakes of a run."""
    return max(samples.glob("fakes-*.png"), default=None, key=lambda path: kimg_of(path) or 0.0)


def kimg_of(path: Path) -> float | None:
    """The kimg in the name of a grid of fakes; None for real images."""
    try:
        return float(path.stem.removeprefix("fakes-"))
    except ValueError:
        return None


def picture(path: Path, resolution: int | None, most: int = PAGE) -> Picture | str:
    """The picture in a file of square tiles, of `most` bytes; or the reason why there is none."""
    return _read(path, lambda image: _cropped(image, path, resolution, most))


def figure(path: Path, most: int = PAGE) -> Picture | str:
    """The whole picture in a file, shrunk if it is large, of `most` bytes; or the reason why there is none."""
    return _read(path, lambda image: _shrunk(image, most))


def _read(path: Path, make: Callable[[Image.Image], Picture]) -> Picture | str:
    """The result of `make` for the image in a file, or the damage of the file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                return make(image.convert("RGBA" if image.mode == "RGBA" else "RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        return f"{path.name} cannot be read: {error}"


def _shrunk(image: Image.Image, most: int) -> Picture:
    exact = max(image.size) <= FIGURE
    if not exact:
        image.thumbnail((FIGURE, FIGURE), Image.Resampling.LANCZOS)
    return Picture(_uri(image, exact, most), image.width, 1, 1, None, pixels=False)


def _cropped(image: Image.Image, path: Path, resolution: int | None, most: int) -> Picture:
    tile = resolution if resolution and image.width % resolution == 0 else image.width
    of = image.width // tile
    tiles = min(of, max(2, WANTED // tile))
    shown = image.crop((0, 0, tiles * tile, min(tiles * tile, image.height)))
    small = max(shown.size) <= LARGEST
    if not small:
        shown.thumbnail((LARGEST, LARGEST), Image.Resampling.LANCZOS)
    return Picture(_uri(shown, small, most), shown.width, tiles, of, kimg_of(path), pixels=tile <= 64)


def _uri(image: Image.Image, exact: bool, most: int) -> str:
    """PNG where the pixels are those of the file, WebP where they were resampled anyway or PNG has too many bytes."""
    hopeless = image.width * image.height > 4 * most  # PNG takes a byte or more for a pixel of a photograph
    if exact and not hopeless and len(data := _bytes(image, "png", optimize=True)) <= most:
        return _data("png", data)
    while len(data := _bytes(image, "webp", quality=88, method=2)) > most and max(image.size) > SMALLEST:
        image = image.resize((image.width // 2, image.height // 2), Image.Resampling.BOX)
    return _data("webp", data)


def _bytes(image: Image.Image, form: str, **how: Any) -> bytes:
    data = io.BytesIO()
    image.save(data, form, **how)
    return data.getvalue()


def _data(form: str, data: bytes) -> str:
    return f"data:image/{form};base64,{base64.b64encode(data).decode('ascii')}"
