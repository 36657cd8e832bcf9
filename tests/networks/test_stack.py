"""The stack generator: where its normalizations stand, and what it refuses."""

from typing import Any

import pytest
import torch
from support.tiny import tiny_mapping
from torch import Tensor

from gancore.config import load_experiment
from gancore.contracts import Interface, Normalization, PluginConfig, Site
from gancore.errors import ConfigError, PluginError
from gancore_plugins.generators.stack import Stack
from gancore_plugins.normalization.demod import Demod
from gancore_plugins.normalization.none import NoNormalization
from gancore_plugins.normalization.pixel import PixelNorm


def stack(normalize: Any, labels: int = 0, **options: Any) -> Stack:
    torch.manual_seed(0)
    cfg = Stack.Config(**{"z_dim": 8, "channels": {"base": 64, "max": 8}} | options)
    return Stack(cfg, Interface(16, 3, labels), normalize)


def pixel(site: Site) -> Normalization:
    return PixelNorm(PixelNorm.Config(), site)


def test_every_layer_but_torgb_has_its_site() -> None:
    sites: list[Site] = []

    def normalize(site: Site) -> Normalization:
        sites.append(site)
        return NoNormalization(PluginConfig(), site)

    G = stack(normalize)
    assert [site.name for site in sites] == [f"b{r}.conv{i}" for r in (4, 8, 16) for i in (0, 1)]
    assert [site.index for site in sites] == list(range(6))
    assert {(site.total, site.styled, site.network) for site in sites} == {(6, False, "generator")}
    for site in sites:
        weight = G.synthesis.get_submodule(site.name).weight
        assert isinstance(weight, Tensor)
        assert weight.shape[:2] == (site.c_out, site.c_in)


def test_what_leaves_a_layer_is_normalized_last() -> None:
    G = stack(pixel)
    layer = G.synthesis.get_submodule("b8.conv0")
    y = layer(torch.randn(2, 8, 4, 4))
    assert torch.allclose(y.square().mean(1), torch.ones(2, 8, 8), atol=1e-5)


def test_the_first_layer_is_a_dense_one() -> None:
    """With gain sqrt(2) / 4, as the published code gives it: variance 1 / 8 for an input of variance 1."""
    G = stack(lambda site: NoNormalization(PluginConfig(), site))
    layer = G.synthesis.get_submodule("b4.conv0")
    x = torch.randn(2, 8)
    weight = layer.weight * (2**0.5 / 4 / 8**0.5)  # type: ignore[operator]
    dense = torch.nn.functional.leaky_relu(torch.einsum("ni,oihw->nohw", x, weight), 0.2)
    assert torch.allclose(layer(x[:, :, None, None]), dense, atol=1e-6)


def test_latent_and_label_are_normalized_together() -> None:
    G = stack(pixel, labels=3)
    ws = G.mapping(torch.randn(2, 8), torch.eye(3)[:2])
    assert ws.shape == (2, 1, 11)
    assert torch.allclose(ws.square().mean(2), torch.ones(2, 1))
    with pytest.raises(ValueError, match="labels"):
        G(torch.randn(2, 8))


def test_normalizations_with_a_style_are_refused() -> None:
    with pytest.raises(PluginError, match=r"Demod takes a style, and b4\.conv0 has none"):
        stack(lambda site: Demod(Demod.Config(), site))
    mapping = tiny_mapping(generator={"use": "stack", "normalization": "demod"}, regularizers={})
    with pytest.raises(ConfigError, match="'demod' needs a generator with styles"):
        load_experiment(mapping)


def test_images_may_pass_through_tanh() -> None:
    z = torch.randn(4, 8)
    assert torch.allclose(stack(pixel, output="tanh")(z), stack(pixel)(z).tanh())
