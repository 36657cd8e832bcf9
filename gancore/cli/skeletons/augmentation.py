"""Skeleton: what it changes, in one line.

Source: random brightness, as in arXiv:2006.10738; name the paper and section of yours.
Differs: nothing yet.
"""

from pydantic import Field

from gancore.contracts import Augmentation, Draw, Images, PluginConfig


class Skeleton(Augmentation):
    """Plugin `skeleton`."""

    class Config(PluginConfig):
        strength: float = Field(0.5, ge=0, description="largest change; images are in [-1, 1]")

    cfg: Config

    def forward(self, images: Images, draw: Draw, kimg: float) -> Images:
        """Every image [N, C, r, r] gets brighter or darker, alike at all scales."""
        change = (draw.uniform("brightness", (1, 1, 1)) * 2 - 1) * self.cfg.strength  # [N, 1, 1, 1]
        return tuple(image + change for image in images)
