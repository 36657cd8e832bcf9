"""Pixel normalization: root mean square 1 over the channels of each pixel (arXiv:1710.10196 section 4.2)."""

from pydantic import Field
from torch import Tensor

from gancore.contracts import Normalization, PluginConfig
from gancore.nn.statistics import pixel_norm
from gancore.nn.styled_statistic import Pixel, styled_statistic


class PixelNorm(Normalization):
    """Plugin `pixel`: pixel statistic, for styled and unstyled layers."""

    class Config(PluginConfig):
        eps: float = Field(1e-8, gt=0, description="added to the mean square")

    cfg: Config

    def statistic(self, y: Tensor, parts: int = 1) -> Tensor:
        return pixel_norm(y, self.cfg.eps)

    def styled(self, y: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        return styled_statistic(y, [Pixel(self.cfg.eps)], [scale], shift)
