"""Samples as data URIs: the upper left tiles of a grid of images, so few and so small that a page can carry them."""

import base64
import io
import warnings
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

WANTED = 256
"""Pixels of a side that tiles are chosen for."""
LARGEST = 448
"""Pixels of a side beyond which what was chosen is shrunk."""


@dataclass(frozen=True)
class Picture:
    """uri: data:image/...; tiles: images along a side of it, of `of` in the file; kimg: None for real images.

    pixels: whether single pixels are to be seen when it is enlarged.
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
    """What the name of a grid of fakes says; None for real images."""
    try:
        return float(path.stem.removeprefix("fakes-"))
    except ValueError:
        return None


def picture(path: Path, resolution: int | None) -> Picture | str:
    """The picture in a file of square tiles, or in words why there is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                return _cropped(image.convert("RGBA" if image.mode == "RGBA" else "RGB"), path, resolution)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        return f"{path.name} cannot be read: {error}"


def _cropped(image: Image.Image, path: Path, resolution: int | None) -> Picture:
    tile = resolution if resolution and image.width % resolution == 0 else image.width
    of = image.width // tile
    tiles = min(of, max(2, WANTED // tile))
    shown = image.crop((0, 0, tiles * tile, min(tiles * tile, image.height)))
    small = max(shown.size) <= LARGEST
    if not small:
        shown.thumbnail((LARGEST, LARGEST), Image.Resampling.LANCZOS)
    return Picture(_uri(shown, exact=small), shown.width, tiles, of, kimg_of(path), pixels=tile <= 64)


def _uri(image: Image.Image, exact: bool) -> str:
    """PNG where the pixels are those of the file, WebP where they were resampled anyway."""
    form = "png" if exact else "webp"
    data = io.BytesIO()
    image.save(data, form, **({"optimize": True} if exact else {"quality": 88}))
    return f"data:image/{form};base64,{base64.b64encode(data.getvalue()).decode('ascii')}"
