"""Skeleton: what it does, in one line.

Source: instance normalization, arXiv:1607.08022; name the paper, section and equation of yours.
Differs: nothing yet.
"""

from pydantic import Field
from torch import Tensor

from gancore.contracts import Normalization, PluginConfig


class Skeleton(Normalization):
    """Plugin `skeleton`."""

    class Config(PluginConfig):
        eps: float = Field(1e-8, gt=0, description="added to the variance")

    cfg: Config

    def statistic(self, y: Tensor, parts: int = 1) -> Tensor:
        """[N, C, H, W] to the same shape: mean 0 and variance 1 of each channel of each image."""
        centred = y - y.mean(dim=(2, 3), keepdim=True)
        variance = centred.square().mean(dim=(2, 3), keepdim=True)  # [N, C, 1, 1]
        return centred * (variance + self.cfg.eps).rsqrt()
