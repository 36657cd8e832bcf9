"""What decoded images are known by: a hash of all of them, and a checksum of each."""

import hashlib
import zlib
from array import array
from typing import Any, cast

import numpy as np


def content_hash(images: np.ndarray, labels: np.ndarray | None) -> str:
    """sha256 (hex) of uint8 images [M, C, R, R] and labels, int64 [M] or float32 [M, K], in their order."""
    digest = PixelHash()
    for start in range(0, len(images), 256):  # in pieces: the images may be mapped from a file
        digest.update(np.ascontiguousarray(images[start : start + 256]))
    return digest.finished(images.shape, labels)


class PixelHash:
    """The same hash of images that come one after another, and are not kept.

    checksums: crc32 of the pixels of each that was written by `write`.
    """

    def __init__(self) -> None:
        self.checksums = array("I")
        self._digest = hashlib.sha256()

    def update(self, pixels: Any) -> None:
        self._digest.update(pixels)

    def write(self, pixels: Any) -> None:
        """One image."""
        self.checksums.append(zlib.crc32(pixels))
        self.update(pixels)

    def finished(self, shape: tuple[int, ...], labels: np.ndarray | None) -> str:
        """The hash (hex) of all images, whose shape is [M, C, R, R], with their labels."""
        digest = self._digest.copy()
        if labels is not None:
            digest.update(cast(Any, labels.astype("<i8" if labels.ndim == 1 else "<f4").tobytes()))
        digest.update(f"{shape} {labels is not None}".encode())
        return digest.hexdigest()
