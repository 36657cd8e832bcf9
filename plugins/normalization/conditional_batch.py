"""Conditional batch normalization: the gain and the shift of each channel come from the network's condition.

    BN(x) * (1 + W_gain c) + W_shift c

Source: arXiv:1707.00683 section 3; in GANs arXiv:1802.05637, arXiv:1805.08318 and, with a part of the latent beside the
embedded label, arXiv:1809.11096 appendix B. c is the network's condition: a label (then the columns of W
are its embedding), or a vector. Without labels, and in styled layers, whose style is the condition, this is batch norm.
"""

from typing import ClassVar

from pydantic import Field
from torch import Tensor

from gancore.contracts import Normalization, PluginConfig, Site
from gancore.nn import GainAndShift, RunningMoments


class ConditionalBatchNorm(Normalization):
    """Plugin `conditional_batch`: batch statistic, gain and shift from a condition."""

    provides: ClassVar[frozenset[str]] = frozenset({"condition"})

    class Config(PluginConfig):
        eps: float = Field(1e-5, gt=0, description="added to the variance")
        momentum: float = Field(0.1, gt=0, le=1, description="weight of a new batch in the moving averages")
        bias: bool = Field(False, description="biases of the two layers that make gain and shift")
        init_std: float = Field(0.02, ge=0, description="standard deviation of their initial weights")

    cfg: Config

    def __init__(self, cfg: Config, site: Site) -> None:
        super().__init__(cfg, site)
        self.moments = RunningMoments(site.c_out, cfg.eps, cfg.momentum)
        if site.condition:
            self.affine = GainAndShift(site.condition, site.c_out, cfg.init_std, cfg.bias)

    def statistic(self, y: Tensor, parts: int = 1) -> Tensor:
        return self.moments(y, parts)

    def conditioned(self, y: Tensor, condition: Tensor, parts: int = 1) -> Tensor:
        return self.affine(self.moments(y, parts), condition)
