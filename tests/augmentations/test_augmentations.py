"""What every augmentation must do."""

from typing import Any

import pytest
import torch
from support.fakes import FakeDraw, made, pyramid

from gancore.contracts import Augmentation, Context, Interface
from gancore.discovery import discover

NAMES = discover().names("augmentation")
# Where an augmentation does little by default: options with which everything acts, and with which nothing does.
STRONGEST: dict[str, dict[str, Any]] = {"ada": {"set": "bgcfnc", "p": 1}}
NOTHING: dict[str, dict[str, Any]] = {
    "ada": {"set": "none"},
    "diffaug": dict.fromkeys(("brightness", "saturation", "contrast", "translation", "cutout"), 0),
    "blur": {"sigma": 0},
}
DRAWLESS = {"blur"}
"""What changes every image alike."""

SCALES = {"image": (16,), "large": (32,), "pyramid": (4, 8, 16)}


def strongest(name: str, channels: int, size: int) -> Augmentation:
    return made("augmentation", name, Interface(size, channels), **STRONGEST.get(name, {}))


every_kind = pytest.mark.parametrize("scales", SCALES)
every_name = pytest.mark.parametrize("name", NAMES)
gray_and_color = pytest.mark.parametrize("channels", [1, 3])


@every_name
@every_kind
@gray_and_color
def test_keeps_shape_and_is_repeatable(name: str, scales: str, channels: int) -> None:
    images = pyramid(4, channels, *SCALES[scales])
    augment = strongest(name, channels, SCALES[scales][-1])
    first, again, other = (augment(images, FakeDraw(4, seed), 0.0) for seed in (0, 0, 1))
    for before, a, b, c in zip(images, first, again, other, strict=True):
        assert a.shape == before.shape
        assert a.dtype == before.dtype
        assert a.isfinite().all()
        assert torch.equal(a, b)
        assert torch.equal(a, c) == (name in DRAWLESS)
        assert not torch.equal(a, before)


@every_name
@every_kind
@gray_and_color
def test_differentiable_twice(name: str, scales: str, channels: int) -> None:
    """G learns through it once; R1, a gradient with respect to the image before it, needs the second time."""
    images = tuple(image.requires_grad_() for image in pyramid(2, channels, *SCALES[scales]))
    augmented = strongest(name, channels, SCALES[scales][-1])(images, FakeDraw(2), 0.0)
    weight = torch.ones([], requires_grad=True)
    score = sum((weight * image).sin().sum() for image in augmented)
    gradients = torch.autograd.grad(score, images, create_graph=True)
    assert all(gradient.isfinite().all() and gradient.any() for gradient in gradients)
    (second,) = torch.autograd.grad(sum(gradient.square().sum() for gradient in gradients), weight)
    assert second.isfinite()
    assert second != 0


@every_name
def test_second_derivative_is_right(name: str) -> None:
    augment = strongest(name, 3, 8)
    (image,) = pyramid(1, 3, 8, dtype=torch.float64)

    def squared_gradient(x: torch.Tensor) -> torch.Tensor:
        (gradient,) = torch.autograd.grad(augment((x,), FakeDraw(1), 0.0)[0].sin().sum(), x, create_graph=True)
        return gradient.square().sum()

    assert torch.autograd.gradcheck(squared_gradient, image.requires_grad_(), fast_mode=True)


@every_name
@every_kind
def test_nothing_is_the_identity(name: str, scales: str) -> None:
    images = pyramid(3, 3, *SCALES[scales])
    augment = made("augmentation", name, Interface(SCALES[scales][-1], 3), **NOTHING[name])
    after = augment(images, FakeDraw(3), 0.0)
    assert all(torch.equal(a, b) for a, b in zip(images, after, strict=True))


@every_name
def test_other_numbers_of_channels_work_or_are_refused(name: str) -> None:
    for channels in (2, 4):
        plugin = discover().get("augmentation", name).load()
        interface = Interface(16, channels)
        cfg = plugin.Config(**STRONGEST.get(name, {}))
        if reasons := list(plugin.problems(cfg, Context(interface, batch=4))):
            assert all(str(channels) in reason for reason in reasons)
        else:
            (image,) = pyramid(4, channels, 16)
            assert plugin(cfg, interface)((image,), FakeDraw(4), 0.0)[0].shape == image.shape


@every_name
def test_scales_of_a_pyramid_agree(name: str) -> None:
    """Of a smooth image, the coarse scale after augmentation is the fine one made coarse."""
    places = torch.linspace(-1, 1, 32)
    smooth = torch.stack([places.sin()[:, None] + places.cos() * c for c in (0.2, 0.5, 0.9)])[None].repeat(8, 1, 1, 1)
    images = (torch.nn.functional.avg_pool2d(smooth, 2), smooth)
    options = {"ada": {"set": "bgc", "p": 1}}.get(name, {})
    coarse, fine = made("augmentation", name, Interface(32, 3), **options)(images, FakeDraw(8), 0.0)
    difference = (coarse - torch.nn.functional.avg_pool2d(fine, 2)).abs()
    assert difference.mean() < 0.1 * fine.std()  # drawn apart, they differ by about once that


@every_name
def test_autocast_costs_no_precision(name: str) -> None:
    images, augment = pyramid(4, 3, 16), strongest(name, 3, 16)
    with torch.autocast("cpu", torch.bfloat16):
        (half,) = augment(images, FakeDraw(4), 0.0)
    assert torch.equal(half, augment(images, FakeDraw(4), 0.0)[0])
