"""What every regularizer must do on a tiny network."""

import pytest
import torch
from support.fakes import FakeD, FakeDraw, FakeG, FakeStep, made, pyramid

from gancore.contracts import Images, Regularizer
from gancore.discovery import discover

NAMES = discover().names("regularizer")
PENALTIES = [name for name in NAMES if discover().get("regularizer", name).load().penalty is not Regularizer.penalty]
SCALES = {"image": (8,), "pyramid": (2, 4, 8)}


def step_on(images: Images, heads: int = 1) -> FakeStep:
    fakes = tuple(image.roll(1, 0) for image in images)
    ws = torch.randn(len(images[-1]), 4, 5, generator=torch.Generator().manual_seed(1))
    return FakeStep(FakeD(images, heads), images, fakes, FakeG(num_ws=4, w_dim=5, size=8), ws)


@pytest.mark.parametrize("name", NAMES)
def test_acts_in_one_way_at_least(name: str) -> None:
    plugin = discover().get("regularizer", name).load()
    hooks = ("penalty", "mix_ws", "constrain")
    assert any(getattr(plugin, hook) is not getattr(Regularizer, hook) for hook in hooks)
    assert plugin.side in ("generator", "discriminator")


@pytest.mark.parametrize("name", PENALTIES)
@pytest.mark.parametrize("scales", SCALES)
@pytest.mark.parametrize("n", [1, 4])
@pytest.mark.parametrize("heads", [1, 2])
def test_penalty_teaches_its_network(name: str, scales: str, n: int, heads: int) -> None:
    step = step_on(pyramid(n, 3, *SCALES[scales]), heads)
    regularizer = made("regularizer", name)
    penalty = regularizer.penalty(step)
    assert penalty.dim() <= 1
    assert penalty.isfinite().all()
    penalty.mean().backward()
    network = step.D if regularizer.side == "discriminator" else step.G
    gradients = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]  # type: ignore[union-attr]
    assert all(gradient.isfinite().all() for gradient in gradients)
    assert any(gradient.any() for gradient in gradients)


@pytest.mark.parametrize("name", PENALTIES)
def test_penalty_is_finite_where_the_network_is_flat(name: str) -> None:
    """A gradient of zero has no direction; its norm must not turn it into NaN."""
    step = step_on(pyramid(2, 3, 8))
    for network in (step.D, step.G):
        for parameter in network.parameters():  # type: ignore[union-attr]
            torch.nn.init.zeros_(parameter)
    made("regularizer", name).penalty(step).mean().backward()
    for network in (step.D, step.G):
        assert all(p.grad is None or p.grad.isfinite().all() for p in network.parameters())  # type: ignore[union-attr]


@pytest.mark.parametrize("name", PENALTIES)
def test_penalty_leaves_the_images_alone(name: str) -> None:
    images = pyramid(2, 3, 4, 8)
    made("regularizer", name).penalty(step_on(images))
    assert not any(image.requires_grad for image in images)


@pytest.mark.parametrize("name", NAMES)
def test_same_draw_same_penalty(name: str) -> None:
    images = pyramid(4, 3, 8)
    first, again = (made("regularizer", name).penalty(step_on(images)) for _ in range(2))
    assert first is again is None or torch.equal(first, again)
    ws = torch.randn(4, 6, 3)
    mixed = [made("regularizer", name).mix_ws(ws, lambda: -ws, FakeDraw(4)) for _ in range(2)]
    assert torch.equal(*mixed)
