"""Instance normalization: mean 0 and variance 1 of each channel of each image (arXiv:1607.08022)."""

from pydantic import Field
from torch import Tensor

from gancore.contracts import Normalization, PluginConfig
from gancore.nn.statistics import instance_norm
from gancore.nn.styled_statistic import Instance, styled_statistic


class InstanceNorm(Normalization):
    """Plugin `instance`: instance statistic, for styled and unstyled layers."""

    provides = frozenset({"pixels"})
    """Normalizes each map over its pixels, so a map of one pixel (that of a fully connected layer) becomes 0."""

    class Config(PluginConfig):
        eps: float = Field(1e-8, gt=0, description="added to the variance")

    cfg: Config

    def statistic(self, y: Tensor, parts: int = 1) -> Tensor:
        return instance_norm(y, self.cfg.eps)

    def styled(self, y: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        return styled_statistic(y, [Instance(self.cfg.eps)], [scale], shift)
