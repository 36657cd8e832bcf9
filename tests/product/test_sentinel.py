"""Every layer that should be normalized is, whatever a normalization has: a scale, a statistic, or a say over weights.

A sentinel blocks one layer in one way only: its scale of the input or of the output is 0, or its statistic, or the
weight itself. Then the weight of that layer can have no gradient. A convolution made behind the normalization's back
would keep its gradient, and a part of the contract that a network ignores would change nothing.
"""

import re
from typing import Any

import pytest
import torch
from support.small import load, names, options_of, sampled
from torch import Tensor, nn

from gancore.contracts import Interface, Normalization, PluginConfig, Site, WeightNormalization
from gancore.nn import attach_weight_normalization
from gancore.nn.layers import Weighted

NETWORKS = [(kind, name) for kind in ("generator", "discriminator") for name in names(kind)]
SITES_OF_RESNET = ("act0", "act1", "act")

IDLE = ("torgb", "fromrgb", "torgb.affine")
"""Layers that a grown network does not use any more."""

NOT_NORMALIZED: dict[tuple[str, str], set[str]] = {
    ("generator", "biggan"): {"b8.conv1", "b16.conv1", "torgb"},
    ("generator", "biggan_deep"): {"torgb"},
    ("generator", "dcgan"): {"b16"},
    ("generator", "fastgan"): {"torgb"},
    ("generator", "lapgan"): {"b16.conv2"},
    ("generator", "lucidrains"): {"conv"},
    ("generator", "resnet"): {"b8.conv1", "b16.conv1", "torgb"},
    ("discriminator", "acgan"): {"conv0"},
    ("discriminator", "biggan"): {"b8.conv1", "b16.conv1", "flat0.conv1"},
    ("discriminator", "bottleneck"): {"b4.leave"},
    ("discriminator", "dcgan"): {"b16"},
    ("discriminator", "lucidrains"): {"b16.conv2", "b8.conv2", "b4.conv2", "conv"},
    ("discriminator", "projected"): {f"heads.{i}.out" for i in range(4)},
    ("discriminator", "resnet"): {"b16.conv1", "flat0.conv1", "flat1.conv1"},
}
"""Wide convolutions without a normalization, as published: those that paint or judge, and the last of a residual block
that is normalized before its activations; AC-GAN's first."""


class Sentinel(Normalization):
    """Passes everything on, unless it is closed."""

    open = 1.0


class InScale(Sentinel):
    def in_scale(self, s: Tensor, weight: Tensor) -> Tensor:
        return s.new_full((len(s), self.site.c_in), self.open)


class OutScale(Sentinel):
    def out_scale(self, y: Tensor, s: Tensor, weight: Tensor) -> Tensor:
        return y.new_full((len(s), self.site.c_out), self.open)


class Statistic(Sentinel):
    def statistic(self, y: Tensor, parts: int = 1) -> Tensor:
        return y * self.open


class WeightSentinel(WeightNormalization):
    open = 1.0

    def forward(self, weight: Tensor) -> Tensor:
        return weight * self.open


def network_of(
    kind: str, name: str, sentinel: type[Sentinel] = Sentinel, **options: Any
) -> tuple[nn.Module, list[Sentinel]]:
    """A small network of a discriminator, or what makes images in a generator, and its sentinels in order."""
    sentinels: list[Sentinel] = []

    def normalize(site: Site) -> Normalization:
        sentinels.append(sentinel(PluginConfig(), site))
        return sentinels[-1]

    cls: Any = load(kind, name)
    torch.manual_seed(0)
    made = cls(cls.Config(**options_of(kind, name), **options), Interface(16, 3), normalize)
    network: nn.Module = made.synthesis if kind == "generator" else made
    for p in network.parameters():
        if not p.any():
            nn.init.normal_(p)  # weights that start at 0 let no gradient pass
    network.ws = (2, made.num_ws, made.w_dim) if kind == "generator" else None  # type: ignore[assignment]
    return network, sentinels


def outputs(network: Any) -> Tensor:
    """Images or logits, all of them in a row; the same each time."""
    torch.manual_seed(1)
    ys = network(torch.randn(network.ws), noise_mode="const") if network.ws else network((torch.randn(2, 3, 16, 16),))
    return torch.cat([y.flatten() for y in ys])


def weighted(network: nn.Module) -> dict[str, Weighted]:
    return {name: module for name, module in network.named_modules() if isinstance(module, Weighted)}


def probed(network: nn.Module) -> tuple[Tensor, set[str]]:
    """The outputs, and the layers whose weight has a gradient."""
    network.zero_grad()
    ys = outputs(network)
    ys.square().sum().backward()
    grads = {name: module.weight.grad for name, module in weighted(network).items()}
    return ys, {name for name, grad in grads.items() if grad is not None and grad.any()}


def layer_at(site: Site, network: nn.Module) -> str | None:
    """The layer that is normalized at a site; None: it stands behind a sum of branches."""
    name = re.sub(r"act([1-3])$", lambda found: f"conv{int(found[1]) - 1}", site.name)
    places = {f"{before}{name}{behind}" for before in ("", "hidden.") for behind in ("", ".linear", ".conv")}
    return next((layer for layer in weighted(network) if layer in places), None)


SENTINELS = [InScale, OutScale, Statistic]
EVERY = [(sentinel, *network) for network in NETWORKS for sentinel in SENTINELS]
SAMPLE = {(SENTINELS[i % 3], *network) for i, network in enumerate(NETWORKS)}
"""Every network with one of the sentinels in turn; the slow tests have all three."""


@pytest.mark.parametrize(("sentinel", "kind", "name"), sampled(EVERY, SAMPLE))
def test_every_site_is_reached_by(sentinel: type[Sentinel], kind: str, name: str) -> None:
    network, sentinels = network_of(kind, name, sentinel)
    before, in_use = probed(network)
    for each in sentinels:
        each.open = 0.0
        (after, reached), layer = probed(network), layer_at(each.site, network)
        assert not torch.equal(after, before), f"{each.site.name} changes nothing"
        assert layer is None or layer in in_use - reached, f"{layer} does not pass through its normalization"
        each.open = 1.0


@pytest.mark.parametrize(("kind", "name"), NETWORKS)
def test_every_wide_convolution_has_a_site_and_every_site_is_counted(kind: str, name: str) -> None:
    network, sentinels = network_of(kind, name)
    sites = [sentinel.site for sentinel in sentinels]
    assert [site.index for site in sites] == list(range(len(sites)))
    assert {site.total for site in sites} == {len(sites)}
    layers = {site.name: layer_at(site, network) for site in sites}
    assert all(layer or site.endswith(SITES_OF_RESNET) for site, layer in layers.items())
    wide = {n for n, module in weighted(network).items() if module.weight.ndim == 4 and module.weight.shape[-1] > 1}
    assert wide - set(layers.values()) == NOT_NORMALIZED.get((kind, name), set())


@pytest.mark.parametrize(("kind", "name"), NETWORKS)
def test_every_weight_is_reached_by_a_weight_normalization(kind: str, name: str) -> None:
    network, _ = network_of(kind, name)
    attach_weight_normalization(network, lambda shape: WeightSentinel(PluginConfig(), shape))
    (before, in_use), layers = probed(network), weighted(network)
    assert all(layer.endswith(IDLE) for layer in layers.keys() - in_use)
    for layer in in_use:
        sentinel: Any = layers[layer].weight_normalization
        sentinel.open = 0.0
        after, reached = probed(network)
        assert not torch.equal(after, before)
        assert layer not in reached, f"the weight of {layer} is not normalized"
        sentinel.open = 1.0


@pytest.mark.parametrize("sentinel", [InScale, OutScale, Statistic])
def test_the_constant_input_may_be_normalized(sentinel: type[Sentinel]) -> None:
    """It is no convolution: to scales it is one with the identity."""
    network, sentinels = network_of("generator", "progressive", sentinel, const_layer=True)
    before = outputs(network)
    assert sentinels[0].site.name == "b4.const_layer"
    sentinels[0].open = 0.0
    assert not torch.equal(outputs(network), before)
