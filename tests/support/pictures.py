"""Small sets of images for metrics, as folders and as open data."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from gancore.data import DataIdentity, ImageData
from gancore.data.content_hash import content_hash


def image_data(images: Tensor, mirror: bool = False, labels: Tensor | None = None, classes: int = 0) -> ImageData:
    """Open data of images uint8 [M, C, R, R]."""
    pixels = images.contiguous().numpy()
    rows = None if labels is None else labels.numpy()
    count, channels, resolution, _ = pixels.shape
    identity = DataIdentity(
        content_hash(pixels, rows), count, resolution, channels, classes, "lanczos", None, mirror, "test"
    )
    return ImageData(pixels, rows, [str(i) for i in range(classes)], identity)


def folder(path: Path, images: Tensor) -> Path:
    """A folder of PNG files of images uint8 [M, 3, R, R]."""
    path.mkdir()
    for index, pixels in enumerate(images.permute(0, 2, 3, 1).numpy()):
        Image.fromarray(np.ascontiguousarray(pixels)).save(path / f"{index:04}.png")
    return path


def random_images(count: int, seed: int, resolution: int = 16) -> Tensor:
    """Smooth random images uint8 [count, 3, R, R]."""
    noise = torch.rand(count, 3, 4, 4, generator=torch.Generator().manual_seed(seed))
    return (torch.nn.functional.interpolate(noise, size=resolution, mode="bilinear") * 255).to(torch.uint8)
