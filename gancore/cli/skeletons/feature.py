"""Skeleton: what it sees of an image, in one line.

Source: name the paper, and where the weights come from. Differs: nothing yet.
"""

from collections.abc import Sequence

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from gancore.contracts import Feature, PluginConfig


class Skeleton(Feature):
    """Plugin `skeleton`: the pixels of a small copy of the image."""

    class Config(PluginConfig):
        side: int = Field(8, ge=1, description="width and height of the copy, pixels")

    cfg: Config

    def weights_hash(self) -> str:
        return "none"  # sha256 of the weights, where there are some

    def prepare(self, device: torch.device) -> None:
        """Nothing to build; a network would be made and moved to the device here."""

    def extract(self, images: Tensor, outputs: Sequence[str]) -> dict[str, Tensor]:
        """uint8 [N, 3, H, W] to float32 [N, 3 * side * side]."""
        small = F.adaptive_avg_pool2d(images.float() / 255, self.cfg.side)
        return {"features": small.flatten(1)}
