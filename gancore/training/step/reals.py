"""Which training images a batch has, and their pixels once they are there."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gancore.data import ImageData
from gancore.data.images import as_floats


@dataclass(frozen=True)
class RealIndices:
    """The training images [N] of a batch, and which of them are mirrored (None: none).

    pixels: the mirrored images, uint8 [N, C, R, R] on the CPU, where they were prepared ahead.
    """

    indices: np.ndarray
    flip: Tensor | None
    pixels: Tensor | None = None

    def part(self, start: int, stop: int) -> "RealIndices":
        flip, pixels = (None if rows is None else rows[start:stop] for rows in (self.flip, self.pixels))
        return RealIndices(self.indices[start:stop], flip, pixels)

    def images(self, data: ImageData, device: torch.device) -> Tensor:
        """float32 [N, C, R, R] in [-1, 1] on the device."""
        if self.pixels is None:
            return data.batch(self.indices, self.flip, device)
        return as_floats(self.pixels, device)
