"""Instance normalization: mean 0 and variance 1 of each channel of each image (arXiv:1607.08022)."""

from pydantic import Field

from gancore.contracts import PluginConfig
from gancore.nn import FusedNormalization, Instance, Term


class InstanceNorm(FusedNormalization):
    """Plugin `instance`: instance statistic, for styled and unstyled layers."""

    provides = frozenset({"pixels"})
    """Normalizes each map over its pixels, so a map of one pixel (that of a fully connected layer) becomes 0."""

    class Config(PluginConfig):
        eps: float = Field(1e-8, gt=0, description="added to the variance")

    cfg: Config

    def terms(self) -> list[Term]:
        return [Term(Instance(self.cfg.eps))]
