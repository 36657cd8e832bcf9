"""Weight demodulation.

Source: arXiv:1912.04958 section 2.2, equations 1 to 3. For inputs of unit variance a convolution with the weights
s_i w_ijk has outputs of standard deviation sqrt(sum_ik (s_i w_ijk)^2), which is divided out. It is applied to the
activations, and the sum is taken as s^2 @ sum_k w^2, so no weight per sample is needed.
"""

from pydantic import Field
from torch import Tensor

from gancore.contracts import PluginConfig, Site
from gancore.nn import StyledNormalization, full_precision


class Demod(StyledNormalization):
    """Plugin `demod`: the input is scaled by the style, the output by the expected factor for variance 1."""

    class Config(PluginConfig):
        eps: float = Field(1e-8, gt=0, description="added to the sum of squares of weights of unit variance")

    cfg: Config

    def __init__(self, cfg: Config, site: Site) -> None:
        super().__init__(cfg, site)
        self.style_size = site.c_in

    def in_scale(self, s: Tensor, weight: Tensor) -> Tensor:
        return s

    def out_scale(self, y: Tensor, s: Tensor, weight: Tensor) -> Tensor:
        with full_precision(s):
            energy = s.square() @ weight.square().sum((2, 3)).T  # [N, C_out]
            return (energy + self.cfg.eps / weight[0].numel()).rsqrt()
