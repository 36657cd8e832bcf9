"""Writes images: one grid with legends, a folder of pictures, or an array, by the ending of the name."""

import math
import re
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from gancore.artifacts.atomic import written
from gancore.artifacts.pictures import LONGEST, save_picture, tiled
from gancore.contracts import Interface
from gancore.errors import GancoreError
from gancore.evaluation.pictures import to_uint8
from gancore.names import shown
from gancore.sampling.making import Look

MOST_IN_GRID = 10_000
MOST_PIXELS = 2**29
"""Most images and pixels of one grid."""

NO_FILE_NAME = re.compile(r'[/\\\\:*?"<>|]')
"""Characters that some systems do not allow in file names."""

Batches = Iterator[Tensor]
"""Images [n, C, R, R] in nominal [-1, 1]."""


def write(out: Path, batches: Batches, names: Sequence[str], looks: Sequence[Look], shape: Interface) -> None:
    """Writes len(looks) times len(names) images, those of the first look first.

    A name that ends in .png, .jpg, .jpeg or .webp: a grid. Of one look it is square; else each look is a row, with a
    legend. A name with .npz: arrays `images`, float32 [N, C, R, R], not clamped, and `names`. Without an ending:
    a folder with a PNG for each image. Raises GancoreError as `check` does.
    """
    check(out, len(names), len(looks), shape)
    if out.suffix.lower() in LONGEST:
        save_picture(out, grid_of(torch.cat([to_uint8(batch) for batch in batches]), looks, shape))
        return
    words = [f"{name}{_suffix(look, looks)}" for look in looks for name in names]
    (_array if out.suffix.lower() == ".npz" else _folder)(out, batches, words, shape)


def check(out: Path, images: int, looks: int, shape: Interface) -> None:
    """Raises GancoreError if `write` cannot write so many images, or would write among other files."""
    suffix = out.suffix.lower()
    if suffix == ".npz":
        return
    if suffix in LONGEST:
        _check_grid(out, images, looks, shape)
    elif out.is_dir():
        if any(out.iterdir()):
            raise GancoreError(f"{out}: a folder with files in it; choose another")
    elif suffix or out.exists():
        raise GancoreError(
            f"{out}: its name should end in {', '.join(LONGEST)} or .npz; without an ending it is a folder of PNG"
        )


def _check_grid(out: Path, images: int, looks: int, shape: Interface) -> None:
    columns, rows = _form(images, looks)
    width, height = columns * shape.resolution + _margin(looks, shape), rows * shape.resolution
    too_long = max(width, height) > LONGEST[out.suffix.lower()]
    if columns * rows > MOST_IN_GRID or too_long or width * height > MOST_PIXELS:
        raise GancoreError(
            f"{out}: a grid of {columns}x{rows} images, {width}x{height} pixels, is too large; "
            "a name without an ending is a folder, with a file for each image"
        )


def _form(images: int, looks: int) -> tuple[int, int]:
    """Columns and rows."""
    if looks > 1:
        return images, looks
    columns = math.ceil(math.sqrt(images))
    return columns, math.ceil(images / columns)


def _margin(looks: int, shape: Interface) -> int:
    return max(96, shape.resolution // 2) if looks > 1 else 0


def _font(height: int, width: int, lines: Sequence[str]) -> Any:
    """As large as fits, at least 7 pixels."""
    size = max(10, min(height // (len(lines) + 1), width // 8))
    while size > 7 and max(map(ImageFont.load_default(size).getlength, lines)) > width - width // 8:
        size -= 1
    return ImageFont.load_default(size)


def _suffix(look: Look, looks: Sequence[Look]) -> str:
    """The part of a file name that distinguishes a look from others."""
    return "".join(f"-{NO_FILE_NAME.sub('_', line.replace(' ', ''))}" for line in _legend(look, looks))


def _legend(look: Look, looks: Sequence[Look]) -> list[str]:
    """The differences between the looks."""
    lines = []
    if len({each.label for each in looks}) > 1:
        lines.append(shown(look.name) if look.name else f"label {look.label}")
    if len({each.truncation_psi for each in looks}) > 1:
        lines.append(f"psi {look.truncation_psi:g}")
    return lines


def grid_of(pixels: Tensor, looks: Sequence[Look], shape: Interface) -> Tensor:
    """Images uint8 [N, C, R, R] as one, [C, H, W]: a square, or of several looks a row each, with legends."""
    margin, columns = _margin(len(looks), shape), _form(len(pixels) // len(looks), len(looks))[0]
    grid = tiled(pixels, columns)
    if margin:
        texts = torch.stack([_text(_legend(look, looks), margin, shape.resolution) for look in looks])[:, None]
        grid = torch.cat([tiled(texts.expand(-1, shape.channels, -1, -1), 1), grid], dim=2)
    return grid


def _text(lines: Sequence[str], width: int, height: int) -> Tensor:
    """Black on white, [height, width]; on one line where rows are low."""
    lines = lines if height >= 12 * len(lines) else [", ".join(lines)]
    picture = Image.new("L", (width, height), 255)
    font = _font(height, width, lines)
    ImageDraw.Draw(picture).multiline_text((width // 16, height // 2), "\n".join(lines), 0, font, anchor="lm")
    return torch.from_numpy(np.array(picture))


def _folder(out: Path, batches: Batches, words: Sequence[str], shape: Interface) -> None:
    for word, image in zip(words, (image for batch in batches for image in to_uint8(batch)), strict=True):
        save_picture(out / f"{word}.png", image, flush=False)


def _array(out: Path, batches: Batches, words: Sequence[str], shape: Interface) -> None:
    """An archive in numpy's format, one batch at a time: 50,000 images need not fit in memory."""
    size = len(words), shape.channels, shape.resolution, shape.resolution
    header = {"descr": "<f4", "fortran_order": False, "shape": size}
    out.parent.mkdir(parents=True, exist_ok=True)
    with written(out) as temporary, zipfile.ZipFile(temporary, "w", allowZip64=True) as archive:
        with archive.open("images.npy", "w", force_zip64=True) as file:
            np.lib.format.write_array_header_2_0(file, header)
            for batch in batches:
                file.write(batch.float().contiguous().numpy().astype("<f4").tobytes())
        with archive.open("names.npy", "w") as file:
            np.lib.format.write_array(file, np.array(words), allow_pickle=False)
