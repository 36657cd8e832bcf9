"""AdaIN without means: the style scales the input, the standard deviation of the output is divided out.

Source: arXiv:1912.04958 figure 2c, the step between AdaIN and demodulation; noise and bias are added afterwards.
"""

from pydantic import Field
from torch import Tensor

from gancore.contracts import PluginConfig, Site
from gancore.nn import StyledNormalization, inverse_std


class AdaINStd(StyledNormalization):
    """Plugin `adain_std`: style scale before the convolution, measured standard deviation divided out after it."""

    class Config(PluginConfig):
        eps: float = Field(1e-8, gt=0, description="added to the variance")

    cfg: Config

    def __init__(self, cfg: Config, site: Site) -> None:
        super().__init__(cfg, site)
        self.style_size = site.c_in

    def in_scale(self, s: Tensor, weight: Tensor) -> Tensor:
        return s

    def out_scale(self, y: Tensor, s: Tensor, weight: Tensor) -> Tensor:
        return inverse_std(y, self.cfg.eps)
