"""Adaptive instance normalization: the instance statistic, followed by the style of the layer.

Source: arXiv:1703.06868; in synthesis networks arXiv:1812.04948 equation 1. y * y_s + y_b is the style block's
own, so this is `instance` for layers that have a style, and refused elsewhere.
"""

from pydantic import Field

from gancore.contracts import PluginConfig
from gancore.nn import FusedNormalization, Instance, StyledNormalization, Term


class AdaIN(FusedNormalization, StyledNormalization):
    """Plugin `adain`: instance statistic, then scale and shift from the style."""

    class Config(PluginConfig):
        eps: float = Field(1e-8, gt=0, description="added to the variance")

    cfg: Config

    def terms(self) -> list[Term]:
        return [Term(Instance(self.cfg.eps))]
