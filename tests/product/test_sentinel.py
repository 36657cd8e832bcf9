"""Every synthesis convolution, except toRGB and 1x1 skips, passes through the chosen normalization.

A sentinel blocks the output of one layer (its out_scale is 0): then the weight of exactly that layer, and of what lies
before it, can have no gradient. A convolution made behind the normalization's back would keep its gradient.
"""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gancore.contracts import Interface, Normalization, PluginConfig, Site
from gancore.discovery import discover

GENERATORS = [spec.name for spec in discover().specs("generator")]


class Sentinel(Normalization):
    """Passes everything on, except at the blocked site."""

    blocked: str = ""

    def out_scale(self, y: Tensor, s: Tensor, weight: Tensor) -> Tensor:
        return y.new_full(y.shape[:2], 0.0 if self.site.name == self.blocked else 1.0)


def gradients(generator: str, blocked: str) -> tuple[dict[str, bool], list[Site]]:
    """Whether each 3x3 weight of the synthesis network has a gradient, by layer; and all sites."""
    sites: list[Site] = []

    def normalize(site: Site) -> Normalization:
        sites.append(site)
        sentinel = Sentinel(PluginConfig(), site)
        sentinel.blocked = blocked
        return sentinel

    cls: Any = discover().get("generator", generator).load()
    cfg = cls.Config(z_dim=8, w_dim=8, mapping={"layers": 2}, channels={"base": 64, "max": 8})
    torch.manual_seed(0)
    network: nn.Module = cls(cfg, Interface(16, 3), normalize)
    network(torch.randn(2, 8)).square().sum().backward()
    weights = {n.removesuffix(".weight"): p for n, p in network.synthesis.named_parameters() if p.shape[2:] == (3, 3)}
    return {name: p.grad is not None and bool(p.grad.any()) for name, p in weights.items()}, sites


@pytest.mark.parametrize("generator", GENERATORS)
def test_every_convolution_has_its_site(generator: str) -> None:
    open_, sites = gradients(generator, blocked="")
    assert all(open_.values())
    assert sorted(open_) == sorted(site.name for site in sites)
    assert [site.index for site in sites] == list(range(len(sites)))
    assert {site.total for site in sites} == {len(sites)}
    for name in open_:
        assert not gradients(generator, blocked=name)[0][name], f"{name} does not pass through its normalization"
