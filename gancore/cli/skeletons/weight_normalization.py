"""Skeleton: what it does, in one line.

Source: weight normalization, arXiv:1602.07868, equation 2; name the paper, section and equation of yours.
Differs: every filter has length 1; there is no learned length.
"""

from pydantic import Field
from torch import Tensor

from gancore.contracts import PluginConfig, WeightNormalization


class Skeleton(WeightNormalization):
    """Plugin `skeleton`."""

    class Config(PluginConfig):
        eps: float = Field(1e-8, gt=0, description="added to the squared length of a filter")

    cfg: Config

    def forward(self, weight: Tensor) -> Tensor:
        """[out, in, ...] to the same shape: the filter of each output has length 1."""
        square = weight.flatten(1).square().sum(dim=1)  # [out]
        return weight * (square + self.cfg.eps).rsqrt().view(-1, *[1] * (weight.ndim - 1))
