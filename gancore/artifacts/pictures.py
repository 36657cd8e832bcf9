"""Pictures on the disk: PNG, JPEG or WebP by the ending of their name, one image or a grid of images."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from gancore.artifacts.atomic import written

LONGEST = {".png": 2**31 - 1, ".jpg": 65_500, ".jpeg": 65_500, ".webp": 16_383}
"""Endings of pictures, and the pixels along a side that each format allows."""

FORMS: dict[str, dict[str, Any]] = {
    ".png": {"format": "PNG"},
    ".jpg": {"format": "JPEG", "quality": 95},
    ".jpeg": {"format": "JPEG", "quality": 95},
    ".webp": {"format": "WEBP", "lossless": True},
}


def tiled(images: Tensor, columns: int | None = None) -> Tensor:
    """Images [N, C, H, W] in rows, [C, rows * H, columns * W]; the rest of the last row is 0.

    columns: None for a square.
    """
    n, channels, height, width = images.shape
    columns = columns or math.ceil(math.sqrt(n))
    rows = math.ceil(n / columns)
    canvas = images.new_zeros(rows * columns, channels, height, width)
    canvas[:n] = images
    canvas = canvas.unflatten(0, (rows, columns)).permute(2, 0, 3, 1, 4)
    return canvas.reshape(channels, rows * height, columns * width)


def as_picture(pixels: Tensor) -> Image.Image:
    """uint8 [C, H, W] as gray, gray with alpha, RGB or RGBA."""
    array = pixels.permute(1, 2, 0).contiguous().numpy()
    return Image.fromarray(array.squeeze(-1) if array.shape[-1] == 1 else array)


def save_picture(path: Path, pixels: Tensor, flush: bool = True, text: Mapping[str, str] | None = None) -> None:
    """Writes uint8 [C, H, W]: gray, gray with alpha, RGB or RGBA. JPEG has no alpha; it is laid on white.

    text: text chunks of a PNG file, by keyword.
    """
    picture = as_picture(pixels)
    options = FORMS[path.suffix.lower()]
    if options["format"] == "JPEG" and picture.mode in ("LA", "RGBA"):
        opaque = Image.new("RGBA", picture.size, "white")
        opaque.alpha_composite(picture.convert("RGBA"))
        picture = opaque.convert("RGB")
    if text and options["format"] == "PNG":
        about = PngInfo()
        for key, value in text.items():
            about.add_itxt(key, value)
        options = {**options, "pnginfo": about}
    path.parent.mkdir(parents=True, exist_ok=True)
    with written(path, flush) as temporary:
        picture.save(temporary, **options)
