"""Activations are tapped by layer name, on every network of the registry, and nothing stays behind."""

import pytest
import torch
from support.small import names
from support.subjects import style_generator, subject, subject_of
from torch import nn

from gancore.analysis.taps import map_layers, tapped
from gancore.errors import GancoreError


def test_layers_of_a_style_generator() -> None:
    layers = subject(style_generator(16)).layers()
    assert [(layer.name, layer.resolution, layer.channels) for layer in layers] == [
        ("b4.conv1", 4, 16), ("b8.conv0", 8, 16), ("b8.conv1", 8, 16), ("b16.conv0", 16, 16), ("b16.conv1", 16, 16),
        ("b16.torgb", 16, 3),
    ]  # fmt: skip
    assert [layer.name for layer in layers if layer.image] == ["b16.torgb"]


@pytest.mark.parametrize("name", names("generator"))
def test_every_generator_that_has_maps_names_them(name: str) -> None:
    model = subject_of(name)
    layers = model.layers()
    assert bool(layers) == (name != "mlp")
    draw, label = next(model.draws(2))
    with torch.no_grad(), model.tap(layer.name for layer in layers) as seen:
        model.generator.sample(draw, label)
    for layer in layers:
        assert tuple(seen[layer.name].shape[:3]) == (2, layer.channels, layer.resolution)
    assert model.layers("discriminator")


def test_an_edit_is_seen_by_what_follows_and_gone_behind_the_block() -> None:
    model = subject(style_generator(16))
    ws = model.generator.mapping(model.latents(2)[0])
    before = model.generator.synthesis(ws, noise_mode="const")[-1]
    with model.tap(["b16.conv1"], {"b8.conv0": torch.zeros_like}) as seen:
        edited = model.generator.synthesis(ws, noise_mode="const")[-1]
    assert not torch.equal(before, edited)
    assert seen["b8.conv0"].abs().max() == 0
    assert torch.equal(model.generator.synthesis(ws, noise_mode="const")[-1], before)
    assert not any(module._forward_hooks for module in model.generator.modules())


def test_the_innermost_modules_with_parameters_count() -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU(), nn.Sequential(nn.Conv2d(2, 3, 1), nn.BatchNorm2d(3)))
    layers = map_layers(network, lambda: network(torch.zeros(1, 1, 4, 4)), channels=3)
    assert [layer.name for layer in layers] == ["0", "2.0", "2.1"]


def test_an_unknown_layer_is_told() -> None:
    with (
        pytest.raises(GancoreError, match=r"no layer 'b16\.conv9'; did you mean 'b16\.conv"),
        tapped(style_generator(16).synthesis, ["b16.conv9"]),
    ):
        pass
