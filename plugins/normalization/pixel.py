"""Pixel normalization: root mean square 1 over the channels of each pixel (arXiv:1710.10196 section 4.2)."""

from pydantic import Field

from gancore.contracts import PluginConfig
from gancore.nn.fused_normalization import FusedNormalization, Pixel, Term


class PixelNorm(FusedNormalization):
    """Plugin `pixel`: pixel statistic, for styled and unstyled layers."""

    class Config(PluginConfig):
        eps: float = Field(1e-8, gt=0, description="added to the mean square")

    cfg: Config

    def terms(self) -> list[Term]:
        return [Term(Pixel(self.cfg.eps))]
