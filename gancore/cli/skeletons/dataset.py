"""Skeleton: what its images are, in one line.

Source: where they come from, and under which licence.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np
from pydantic import Field

from gancore.contracts import Dataset, Item, PluginConfig


class Skeleton(Dataset):
    """Plugin `skeleton`: bright discs of random place and size on black."""

    class Config(PluginConfig):
        count: int = Field(256, ge=1, description="images")
        size: int = Field(32, ge=4, description="width and height, pixels")

    cfg: Config

    def items(self) -> Sequence[Item]:
        return [Item(f"disc{index}", partial(self.draw, index)) for index in range(self.cfg.count)]

    def draw(self, index: int) -> np.ndarray:
        """uint8 [H, W, 3]; the same image for the same index, every time."""
        x, y, radius = np.random.default_rng(index).uniform([0.3, 0.3, 0.1], [0.7, 0.7, 0.3])
        grid = (np.arange(self.cfg.size) + 0.5) / self.cfg.size
        inside = (grid[None, :] - x) ** 2 + (grid[:, None] - y) ** 2 < radius**2  # [H, W]
        return np.repeat(inside[:, :, None], 3, axis=2).astype(np.uint8) * 255
