"""The plugin that is checked, and the sizes it is checked at: batches of 4, 8 channels, 16x16 pixels, 2 classes."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gancore.contracts import (
    Augmentation,
    Context,
    Interface,
    Normalization,
    PluginConfig,
    Site,
    Stage,
    WeightNormalization,
)
from gancore.nn.options import ChannelsConfig
from gancore.registry import PluginSpec

N, C, R = 4, 8, 16
INTERFACE = Interface(resolution=R, channels=3, label_dim=2)
FEW_CHANNELS = ChannelsConfig(base=256, max=16)


@dataclass(frozen=True)
class Subject:
    """A plugin with its options, and the sizes that it is built and called with."""

    spec: PluginSpec
    plugin: type[Any]
    cfg: PluginConfig
    interface: Interface = INTERFACE
    n: int = N
    weight: tuple[int, ...] = (C, C, 3, 3)
    """Shape of a layer's weight, [C_out, C_in, kh, kw]."""
    normalize: Callable[[Site], Normalization] | None = None
    """What networks are built with in place of no normalization."""

    def made(self, seed: int = 0) -> Any:
        """A new instance; two of one seed start with the same weights."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return self.plugin(self.cfg, *self._context())

    def stirred(self) -> Any:
        """A new instance whose parameters have moved a little, as after some steps: none is exactly 0."""
        made = self.made()
        if isinstance(made, nn.Module):
            with torch.no_grad():
                for index, p in enumerate(made.parameters()):
                    if p.requires_grad:
                        p.add_(torch.randn(p.shape, generator=torch.Generator().manual_seed(index)), alpha=0.1)
                for value in made.buffers() if isinstance(made, Augmentation) else ():
                    if value.numel() == 1 and value.is_floating_point():
                        value.fill_(0.7)  # a strength that has adapted
        return made

    @property
    def label(self) -> Tensor | None:
        """Labels of a batch, one-hot; None without classes."""
        k = self.interface.label_dim
        return torch.eye(k)[torch.arange(self.n) % k] if k else None

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages at which a growing network is checked, in the middle of their fade-in; none for the others."""
        r = self.interface.resolution
        return (Stage(r // 2, 0.5), Stage(r, 0.5)) if "growth" in self.plugin.provides else ()

    @property
    def problems(self) -> list[str]:
        """What the plugin says against these sizes."""
        return list(self.plugin.problems(self.cfg, Context(self.interface, self.n)))

    def at(self, **sizes: int) -> "Subject":
        """The same plugin for another resolution, channels or label_dim."""
        return replace(self, interface=replace(self.interface, **sizes))

    def line_of(self, *names: str) -> str:
        """File and line of the first of these methods that the plugin's own code has, else of its class."""
        for found in (*(getattr(self.plugin, name, None) for name in names), self.plugin):
            module = str(getattr(found, "__module__", "gancore.contracts"))
            if callable(found) and not module.startswith(("gancore.contracts", "torch.")):
                try:
                    return f"{inspect.getsourcefile(found)}:{inspect.getsourcelines(found)[1]}"
                except (OSError, TypeError):
                    continue
        return ""

    def _context(self) -> tuple[Any, ...]:
        """The arguments of the plugin's __init__ after its options (gancore.contracts)."""
        if issubclass(self.plugin, WeightNormalization):
            return (torch.Size(self.weight),)
        return {
            "normalization": (self._site(),),
            "generator": (self.interface, self.normalize or without_normalization),
            "discriminator": (self.interface, self.normalize or without_normalization),
            "augmentation": (self.interface,),
            "dataset": (Path.cwd(),),
        }.get(self.spec.kind, ())

    def _site(self) -> Site:
        """A site with a style for those that need one, else with the label as its condition."""
        styled = "network:styles" in self.plugin.requires
        condition = 0 if styled else self.interface.label_dim
        r, c_out, c_in = self.interface.resolution, *self.weight[:2]
        return Site("b16.conv0", r, 1, 3, c_in, c_out, "generator", styled, condition)


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


def variants(subject: Subject) -> Iterator[tuple[str, Subject]]:
    """The sizes besides the usual ones that a plugin may meet, each with a name."""
    yield "a batch of 1", replace(subject, n=1)
    yield "a batch of 3", replace(subject, n=3)
    if subject.spec.kind == "normalization":
        yield "6 channels in, 10 out", replace(subject, weight=(10, 6, 3, 3))
        yield "a kernel of 1x1", replace(subject, weight=(C, C, 1, 1))
    if issubclass(subject.plugin, WeightNormalization):
        yield "a linear layer", replace(subject, weight=(10, 6))
    if subject.spec.kind in ("normalization", "generator", "discriminator", "augmentation", "regularizer"):
        yield "8x8 pixels", subject.at(resolution=R // 2)
        yield "32x32 pixels", subject.at(resolution=2 * R)
    if subject.spec.kind in ("generator", "discriminator", "augmentation", "regularizer"):
        for channels in (1, 2, 4):
            yield f"{channels} channel{'s' * (channels > 1)}", subject.at(channels=channels)
    if subject.spec.kind in ("normalization", "generator", "discriminator", "regularizer", "loss"):
        yield "no labels", subject.at(label_dim=0)
        yield "3 classes", subject.at(label_dim=3)
        yield "a batch of 1 without labels", replace(subject.at(label_dim=0), n=1)
