"""Every synthesis convolution, except toRGB and 1x1 skips, passes through the chosen normalization.

A sentinel blocks the output of one layer (its out_scale is 0, and its statistic): then the weight of exactly that
layer, and of what lies before it, can have no gradient. A convolution made behind the normalization's back would keep
its gradient.
"""

from typing import Any

import pytest
import torch
from small import load, names, options_of
from torch import Tensor, nn

from gancore.contracts import Interface, Normalization, PluginConfig, Site

GENERATORS = names("generator")

OWN_PLACES = {"mlp", "dcgan", "lapgan", "resnet"}
"""Generators that are normalized in places of their own, as published: not after every convolution, or before one."""


class Sentinel(Normalization):
    """Passes everything on, except at the blocked site."""

    blocked: str = ""

    def out_scale(self, y: Tensor, s: Tensor, weight: Tensor) -> Tensor:
        return y.new_full(y.shape[:2], self._open)

    def statistic(self, y: Tensor, parts: int = 1) -> Tensor:
        return y * self._open

    @property
    def _open(self) -> float:
        return 0.0 if self.site.name == self.blocked else 1.0


def network_of(generator: str, blocked: str = "") -> tuple[Any, list[Site]]:
    """A small generator whose every normalization is a sentinel, and the sites of these."""
    sites: list[Site] = []

    def normalize(site: Site) -> Normalization:
        sites.append(site)
        sentinel = Sentinel(PluginConfig(), site)
        sentinel.blocked = blocked
        return sentinel

    cls: Any = load("generator", generator)
    torch.manual_seed(0)
    network: nn.Module = cls(cls.Config(**options_of("generator", generator)), Interface(16, 3), normalize)
    for p in network.parameters():
        if not p.any():
            nn.init.normal_(p)  # weights that start at 0 let no gradient pass
    return network, sites


def gradients(generator: str, blocked: str) -> dict[str, bool]:
    """Whether each wide weight of the synthesis network has a gradient, by layer."""
    network, _ = network_of(generator, blocked)
    network(torch.randn(2, network.z_dim)).square().sum().backward()
    wide = {n: p for n, p in network.synthesis.named_parameters() if p.ndim == 4 and p.shape[-1] > 1}
    return {name.removesuffix(".weight"): p.grad is not None and bool(p.grad.any()) for name, p in wide.items()}


@pytest.mark.parametrize("generator", [name for name in GENERATORS if name not in OWN_PLACES])
def test_every_convolution_has_its_site(generator: str) -> None:
    _, sites = network_of(generator)
    open_ = gradients(generator, blocked="")
    assert all(open_.values())
    assert sorted(open_) == sorted(site.name for site in sites)
    for name in open_:
        assert not gradients(generator, blocked=name)[name], f"{name} does not pass through its normalization"


@pytest.mark.parametrize("generator", GENERATORS)
def test_every_site_acts_and_is_counted(generator: str) -> None:
    network, sites = network_of(generator)
    assert [site.index for site in sites] == list(range(len(sites)))
    assert {site.total for site in sites} == {len(sites)}
    z = torch.randn(2, network.z_dim)
    for site in sites:
        assert not torch.equal(network_of(generator, site.name)[0](z), network(z)), f"{site.name} changes nothing"
