"""Writes a data set as a zip archive of PNG files with a `dataset.json` (gancore/data/index.py).

The same images make the same bytes: times are fixed, order is that of the data set.
"""

import os
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from gancore.data.color import MODES
from gancore.data.images import ImageData
from gancore.data.index import INDEX
from gancore.data.store import temporary
from gancore.display import rewrites_lines
from gancore.names import json_text

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time in a zip archive."""

PIECE = 64
"""Images that are in memory at a time where they are decoded on the fly."""


def write_archive(data: ImageData, destination: Path) -> None:
    """Writes the archive beside its place and renames it. Raises OSError when that cannot be done."""
    names = [f"{index // 1000:05}/img{index:08}.png" for index in range(len(data))]
    with temporary(destination.parent) as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:  # PNG is compressed already
            pairs = zip(names, _each(data), strict=True)
            for name, pixels in tqdm(
                pairs, "writing", len(data), unit=" images", delay=1, disable=not rewrites_lines(), leave=False
            ):
                _add(archive, name, png(pixels))
            _add(archive, INDEX, _index(data, names), zipfile.ZIP_DEFLATED)
        file.flush()
        os.fsync(file.fileno())
        file.close()  # Windows renames no open file
        os.chmod(file.name, 0o666 & ~_umask())
        os.replace(file.name, destination)


def _each(data: ImageData) -> Iterator[np.ndarray]:
    """The images in turn; those that are decoded on the fly, a few at a time."""
    for start in range(0, len(data), PIECE):
        yield from data.images[start : start + PIECE]


def png(pixels: np.ndarray) -> bytes:
    """uint8 [C, H, W] as the bytes of a PNG file."""
    pixels = pixels.transpose(1, 2, 0)
    image = Image.fromarray(np.ascontiguousarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels))
    assert image.mode == MODES[pixels.shape[2]]
    out = BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


def _index(data: ImageData, names: list[str]) -> bytes:
    if data.labels is None:
        return b'{"labels": null}'
    about = {"labels": list(zip(names, data.labels.tolist(), strict=True)), "classes": data.class_names}
    return json_text(about).encode()


def _add(archive: zipfile.ZipFile, name: str, content: bytes, compression: int = zipfile.ZIP_STORED) -> None:
    info = zipfile.ZipInfo(name, EPOCH)
    info.create_system, info.external_attr = 3, 0o644 << 16  # on all systems
    archive.writestr(info, content, compression)


def _umask() -> int:
    """The permissions that new files do not get; temporary files are readable by their owner only."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
