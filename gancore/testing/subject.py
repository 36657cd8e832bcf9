"""The plugin that is checked, and the small composition it is built for: batches of 4, 8 channels, 16x16 pixels."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from gancore.contracts import Context, Interface, Normalization, PluginConfig, Site, Stage, WeightNormalization
from gancore.nn.options import ChannelsConfig
from gancore.registry import PluginSpec

N, C, R = 4, 8, 16
INTERFACE = Interface(resolution=R, channels=3, label_dim=2)
LABEL = torch.eye(2).repeat(N // 2, 1)
CONTEXT = Context(INTERFACE, N)
WEIGHT = torch.Size([C, C, 3, 3])
FEW_CHANNELS = ChannelsConfig(base=256, max=16)
STAGES = (Stage(R // 2, 0.5), Stage(R, 0.5))
"""Sizes in the middle of their fade-in."""


@dataclass(frozen=True)
class Subject:
    """A plugin with its options."""

    spec: PluginSpec
    plugin: type[Any]
    cfg: PluginConfig

    def made(self) -> Any:
        """A new instance; two of them start with the same weights."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return self.plugin(self.cfg, *self._context())

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages at which a growing network is checked; none for the others."""
        return STAGES if "growth" in self.plugin.provides else ()

    def _context(self) -> tuple[Any, ...]:
        """The arguments of the plugin's __init__ after its options (gancore.contracts)."""
        if issubclass(self.plugin, WeightNormalization):
            return (WEIGHT,)
        return {
            "normalization": (self._site(),),
            "generator": (INTERFACE, without_normalization),
            "discriminator": (INTERFACE, without_normalization),
            "augmentation": (INTERFACE,),
            "dataset": (Path.cwd(),),
        }.get(self.spec.kind, ())

    def _site(self) -> Site:
        """A site with a style for those that need one, else with the label as its condition."""
        styled = "network:styles" in self.plugin.requires
        condition = 0 if styled else INTERFACE.label_dim
        return Site("b16.conv0", R, 1, 3, C, C, "generator", styled, condition)


def without_normalization(site: Site) -> Normalization:
    return Normalization(None, site)


def small_options(plugin: type[Any]) -> dict[str, Any]:
    """Fewer feature maps than the default: the checks do not depend on them, and are fast.

    An option whose default takes long may say what a check takes instead: `json_schema_extra={"small": 3}`.
    """
    kinds = (ChannelsConfig, ChannelsConfig | None)
    fields = plugin.Config.model_fields.items()
    few = {name: FEW_CHANNELS for name, field in fields if field.annotation in kinds}
    extras = {name: field.json_schema_extra for name, field in fields}
    return few | {
        name: extra["small"] for name, extra in extras.items() if isinstance(extra, dict) and "small" in extra
    }
