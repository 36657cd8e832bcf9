"""Regularizers where the answer is known: linear networks, and the mixing of styles."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from support.fakes import FakeDraw, FakeStep, made, pyramid
from torch import Tensor, nn

from gancore.contracts import Images

GAMMA = 3.0


def linear_d(*weights: Tensor) -> Callable[..., tuple[Tensor, ...]]:
    """D(x) = sum of weight * image over all scales."""

    def discriminate(images: Images, label: Tensor | None) -> tuple[Tensor, ...]:
        return (sum((image * w).flatten(1).sum(1) for image, w in zip(images, weights, strict=True)),)  # type: ignore[return-value]

    return discriminate


def reals(*sizes: int) -> Images:
    return pyramid(3, 2, *sizes, dtype=torch.float64)


def weights_like(images: Images, norm: float) -> list[Tensor]:
    weights = [torch.randn_like(image[0]) for image in images]
    return [norm * w / w.norm() for w in weights]


@pytest.mark.parametrize("name", ["r1", "r2"])
@pytest.mark.parametrize("sizes", [(4,), (2, 4)], ids=str)
def test_zero_centered_on_a_linear_d(name: str, sizes: tuple[int, ...]) -> None:
    """gamma / 2 * |w|^2, whatever the images; over all scales."""
    images = reals(*sizes)
    step = FakeStep(linear_d(*weights_like(images, norm=2)), images)
    penalty = made("regularizer", name, gamma=GAMMA).penalty(step)
    torch.testing.assert_close(penalty, torch.full((3,), GAMMA / 2 * 4 * len(sizes), dtype=torch.float64))


def test_zero_centered_adds_heads() -> None:
    images = reals(4)
    one, other = (linear_d(*weights_like(images, norm)) for norm in (1, 2))
    step = FakeStep(lambda x, label: (*one(x, label), *other(x, label)), images)
    torch.testing.assert_close(made("regularizer", "r1", gamma=2).penalty(step), torch.full((3,), 5.0).double())


def test_r1_looks_at_reals_and_r2_at_fakes() -> None:
    """The gradient of |x|^2 / 2 is x."""
    real, fake = torch.ones(2, 1, 2, 2), torch.full((2, 1, 2, 2), 3.0)
    step = FakeStep(lambda x, label: (x[0].square().flatten(1).sum(1) / 2,), (real,), (fake,))
    assert made("regularizer", "r1", gamma=2).penalty(step).tolist() == [4, 4]
    assert made("regularizer", "r2", gamma=2).penalty(step).tolist() == [36, 36]


def test_gamma_follows_its_schedule() -> None:
    images = reals(4)
    step = FakeStep(linear_d(*weights_like(images, norm=1)), images, kimg=5.0)
    plugin = type(made("regularizer", "r1"))
    gamma = {"schedule": "linear", "start": 0.0, "end": 8.0, "to_kimg": 10.0}
    penalty = plugin(plugin.Config.model_validate({"gamma": gamma})).penalty(step)
    torch.testing.assert_close(penalty, torch.full((3,), 2.0).double())


@pytest.mark.parametrize("norm", [1.0, 3.0])
@pytest.mark.parametrize("target", [1.0, 2.0])
@pytest.mark.parametrize("sizes", [(4,), (2, 4)], ids=str)
def test_wgan_gp_on_a_linear_critic(norm: float, target: float, sizes: tuple[int, ...]) -> None:
    """weight / target^2 * (|w| - target)^2 a scale; nothing where the critic has the wanted norm."""
    images = reals(*sizes)
    step = FakeStep(linear_d(*weights_like(images, norm)), images)
    penalty = made("regularizer", "wgan_gp", target=target).penalty(step)
    want = len(sizes) * 10 / target**2 * (norm - target) ** 2
    torch.testing.assert_close(penalty, torch.full((3,), want).double())


@pytest.mark.parametrize("u", [0.0, 0.25, 1.0])
def test_wgan_gp_looks_between_fake_and_real(u: float) -> None:
    real, fake = torch.ones(2, 1, 1, 1), torch.full((2, 1, 1, 1), 3.0)
    draw = FakeDraw(2, given={"wgan_gp": u})
    step = FakeStep(lambda x, label: (x[0].square().flatten(1).sum(1) / 2,), (real,), (fake,), draw=draw)
    place = u * 1 + (1 - u) * 3
    assert made("regularizer", "wgan_gp", weight=1).penalty(step).tolist() == pytest.approx([(place - 1) ** 2] * 2)


def test_wgan_gp_drift_is_the_square_of_real_logits() -> None:
    images = reals(4)
    step = FakeStep(linear_d(*weights_like(images, norm=1)), images)
    (logits,) = step.discriminate(images, None)
    torch.testing.assert_close(made("regularizer", "wgan_gp", drift=0.5).penalty(step), 0.5 * logits.square())


class LinearG(nn.Module):
    """image = A w, so that J_w^T y = A^T y for every w."""

    def __init__(self, num_ws: int = 2, w_dim: int = 3, size: int = 4) -> None:
        super().__init__()
        self.A = nn.Parameter(torch.randn(size * size, num_ws * w_dim, dtype=torch.float64))
        self.size = size

    def forward(self, ws: Tensor) -> Images:
        return ((ws.flatten(1) @ self.A.T).view(len(ws), 1, self.size, self.size),)

    def lengths(self, draw: FakeDraw, n: int) -> Tensor:
        y = replace(draw, n=n).normal("path_length", (1, self.size, self.size)).double() / self.size
        gradient = (y.flatten(1) @ self.A).unflatten(1, (2, 3))
        return gradient.square().sum(2).mean(1).sqrt()


def path_length_step(seed: int = 0) -> FakeStep:
    torch.manual_seed(seed)
    ws = torch.randn(6, 2, 3, dtype=torch.float64)
    return FakeStep(linear_d(), reals(4), G=LinearG(), ws=ws, draw=FakeDraw(6, seed))


def test_path_length_of_a_linear_generator() -> None:
    """weight * (length - a)^2 with the new a, through which gradient flows too (as published)."""
    step = path_length_step()
    regularizer = made("regularizer", "path_length").double()
    regularizer.pl_mean.fill_(0.7)
    penalty = regularizer.penalty(step)
    assert isinstance(step.G, LinearG)
    assert step.draw is not None
    lengths = step.G.lengths(step.draw, 3)
    want = 2 * (lengths - (0.7 + 0.01 * (lengths.mean() - 0.7))).square()
    torch.testing.assert_close(penalty, want)
    got_gradient, want_gradient = (
        torch.autograd.grad(p.mean(), step.G.A, retain_graph=True)[0] for p in (penalty, want)
    )
    torch.testing.assert_close(got_gradient, want_gradient)


def test_path_length_mean_moves_once_a_step() -> None:
    """With two microbatches as with one; not at all in a step without a penalty."""
    steps = [path_length_step(seed) for seed in (0, 1)]
    regularizer = made("regularizer", "path_length").double()
    for step in steps:
        regularizer.penalty(step)
    assert regularizer.pl_mean == 0
    regularizer.end_step(lambda value: value)
    lengths = torch.cat([step.G.lengths(step.draw, 3) for step in steps])  # type: ignore[union-attr, arg-type]
    torch.testing.assert_close(regularizer.pl_mean, 0.01 * lengths.mean().detach())
    before = regularizer.pl_mean.clone()
    regularizer.end_step(lambda value: value)
    assert regularizer.pl_mean == before
    assert set(regularizer.state_dict()) == {"pl_mean"}


def test_style_mixing_replaces_the_last_ws() -> None:
    ws, other = torch.zeros(3, 6, 2), torch.ones(3, 6, 2)
    mixing = made("regularizer", "style_mixing", probability=1)
    cuts = set()
    for seed in range(60):
        mixed = mixing.mix_ws(ws, lambda: other, FakeDraw(3, seed))
        cut = int((mixed[0, :, 0] == 0).sum())
        assert torch.equal(mixed, torch.cat([ws[:, :cut], other[:, cut:]], dim=1))
        cuts.add(cut)
    assert cuts == {1, 2, 3, 4, 5}  # never none, never all


def test_style_mixing_as_often_as_said() -> None:
    mixing = made("regularizer", "style_mixing", probability=0.7)
    ws = torch.zeros(1, 4, 1)
    mixed = [bool(mixing.mix_ws(ws, lambda: ws + 1, FakeDraw(1, seed)).any()) for seed in range(1000)]
    assert sum(mixed) == pytest.approx(700, abs=60)  # four standard deviations


@pytest.mark.parametrize(("probability", "num_ws"), [(0.0, 4), (1.0, 1)])
def test_style_mixing_does_not_map_in_vain(probability: float, num_ws: int) -> None:
    def never() -> Tensor:
        raise AssertionError

    ws = torch.zeros(2, num_ws, 3)
    assert made("regularizer", "style_mixing", probability=probability).mix_ws(ws, never, FakeDraw(2)) is ws


def test_weight_clipping_bounds_every_parameter() -> None:
    network = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 1))
    before = [p.detach().clone() for p in network.parameters()]
    made("regularizer", "weight_clipping", limit=0.1).constrain(network)
    for old, new in zip(before, network.parameters(), strict=True):
        assert torch.equal(new, old.clamp(-0.1, 0.1))
        assert new.requires_grad
