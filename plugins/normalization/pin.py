"""Pixel-instance normalization: rho * PN(x) + (1 - rho) * IN(x), with rho per channel.

Source: arXiv:2103.01090 equations 3 to 7. With rho 1 it is pixel norm, which bounds every value by sqrt(C). With rho 0
it is instance norm, under which a bright spot that covers a share alpha of the pixels may reach
sqrt((1 - alpha) / alpha). The paper does not say how rho starts and learns. By default it starts at pure pixel norm and
is clamped as in BIN (arXiv:1805.07925), but learns at the rate of its network.
"""

from typing import Literal

from pydantic import Field, model_validator

from gancore.contracts import PluginConfig, Site
from gancore.nn import FusedNormalization, Instance, Mix, Pixel, Term

STARTS = {"clamp": 1.0, "sigmoid": 0.5, "fixed": 0.5}


class PIN(FusedNormalization):
    """Plugin `pin`: pixel and instance statistic, mixed."""

    class Config(PluginConfig):
        rho_mode: Literal["clamp", "sigmoid", "fixed", "depth"] = Field(
            "clamp",
            description="rho is learned and clamped, learned as a logit, constant, or linear in the depth of the layer",
        )
        rho: float | None = Field(
            None,
            ge=0,
            le=1,
            description="share of pixel norm, at the start where it is learned; default 1 for clamp, else 0.5",
        )
        rho_first: float = Field(0.0, ge=0, le=1, description="share at the first layer, for rho_mode depth")
        rho_last: float = Field(1.0, ge=0, le=1, description="share at the last layer, for rho_mode depth")
        lr_factor: float = Field(1.0, gt=0, description="learning rate of rho relative to its network's")
        eps: float = Field(1e-8, gt=0, description="added to mean square and variance")

        @model_validator(mode="after")
        def _logit_is_finite(self) -> "PIN.Config":
            if self.rho_mode == "sigmoid" and self.rho in (0, 1):
                raise ValueError("with rho_mode sigmoid, rho must lie between 0 and 1, e.g. 0.5")
            return self

    cfg: Config

    def __init__(self, cfg: Config, site: Site) -> None:
        super().__init__(cfg, site)
        if cfg.rho_mode == "depth":
            self.share = Mix(site.c_out, "fixed", cfg.rho_first + (cfg.rho_last - cfg.rho_first) * site.depth)
        else:
            start = STARTS[cfg.rho_mode] if cfg.rho is None else cfg.rho
            self.share = Mix(site.c_out, cfg.rho_mode, start, cfg.lr_factor)

    def terms(self) -> list[Term]:
        rho = self.share.value()
        return [Term(Instance(self.cfg.eps), 1 - rho), Term(Pixel(self.cfg.eps), rho)]
