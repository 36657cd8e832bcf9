"""Pixel normalization: root mean square 1 over the channels of each pixel (arXiv:1710.10196 section 4.2)."""

from pydantic import Field
from torch import Tensor

from gancore.contracts import Later, Normalization, PluginConfig
from gancore.nn import FusedNormalization, Pixel, Term


class PixelNorm(FusedNormalization):
    """Plugin `pixel`: pixel statistic, for styled and unstyled layers."""

    class Config(PluginConfig):
        eps: float = Field(1e-8, gt=0, description="added to the mean square")
        eps_under_root: Later[bool] = Field(True, description="whether eps is added before the root is taken, or after")

    cfg: Config

    def terms(self) -> list[Term]:
        return [Term(Pixel(self.cfg.eps))]

    def statistic(self, y: Tensor, parts: int = 1) -> Tensor:
        if self.cfg.eps_under_root:
            return super().statistic(y, parts)
        return y / (y.square().mean(1, keepdim=True).sqrt() + self.cfg.eps)

    def styled(self, y: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        if self.cfg.eps_under_root:
            return super().styled(y, scale, shift)
        return Normalization.styled(self, y, scale, shift)
