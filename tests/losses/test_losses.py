"""What every adversarial loss must do, and a few closed forms."""

import math
from typing import Any

import pytest
import torch
from support.fakes import made
from torch import Tensor

from gancore.discovery import discover

OPTIONS: dict[str, list[dict[str, str]]] = {
    "relativistic": [
        {"pairing": pairing, "function": function}
        for pairing in ("paired", "average")
        for function in ("logistic", "least_squares", "hinge")
    ],
}
LOSSES = [
    pytest.param(name, options, id="-".join([name, *options.values()]))
    for name in discover().names("loss")
    for options in OPTIONS.get(name, [{}])
]
every_loss = pytest.mark.parametrize(("name", "options"), LOSSES)


def logits(*values: float) -> Tensor:
    return torch.tensor(values, requires_grad=True)


def slopes(value: Tensor, *inputs: Tensor) -> list[Tensor]:
    return list(torch.autograd.grad(value.sum(), inputs, materialize_grads=True))


@every_loss
@pytest.mark.parametrize("real", [-1e4, 0.0, 1e4])
@pytest.mark.parametrize("fake", [-1e4, 0.0, 1e4])
def test_finite_at_extreme_logits(name: str, options: dict[str, Any], real: float, fake: float) -> None:
    loss, r, f = made("loss", name, **options), logits(real, real), logits(fake, fake)
    for value in (loss.d(r, f), loss.g(f, r)):
        assert value.isfinite().all()
        assert all(slope.isfinite().all() for slope in slopes(value, r, f))


@every_loss
def test_pulls_the_right_way(name: str, options: dict[str, Any]) -> None:
    """D wants real logits up and fake ones down, G wants fake ones up: at equal logits, where nobody has won."""
    loss, r, f = made("loss", name, **options), logits(0.1, 0.1), logits(0.1, 0.1)
    up, down = slopes(loss.d(r, f), r, f)
    assert (up < 0).all()
    assert (down > 0).all()
    assert (slopes(loss.g(f, r), f)[0] < 0).all()


@every_loss
@pytest.mark.parametrize("shape", [(1,), (3,), (2, 4, 4)], ids=str)
def test_keeps_shape(name: str, options: dict[str, Any], shape: tuple[int, ...]) -> None:
    loss, r, f = made("loss", name, **options), torch.randn(shape), torch.randn(shape)
    assert loss.d(r, f).shape == loss.g(f, r).shape == shape


@every_loss
def test_asks_for_reals_when_it_needs_them(name: str, options: dict[str, Any]) -> None:
    loss, r, f = made("loss", name, **options), logits(0.5, -0.2), logits(0.1, 0.3)
    assert loss.needs_reals_for_g == bool(slopes(loss.g(f, r), r)[0].any())


def test_undecided_discriminator_pays_two_bits() -> None:
    """Value of the minimax game at the optimum: -log 4 (arXiv:1406.2661, theorem 1)."""
    zero = torch.zeros(1, dtype=torch.float64)
    for name in ("saturating", "non_saturating"):
        assert made("loss", name).d(zero, zero).item() == pytest.approx(math.log(4), rel=1e-12)


def test_saturating_gradient_vanishes_where_d_wins() -> None:
    fake = logits(-20.0)
    saturating, non_saturating = (slopes(made("loss", n).g(fake), fake)[0] for n in ("saturating", "non_saturating"))
    assert abs(saturating.item()) < 1e-8
    assert non_saturating.item() == pytest.approx(-1)


@pytest.mark.parametrize("options", OPTIONS["relativistic"], ids=lambda o: "-".join(o.values()))
def test_relativistic_sees_differences_only(options: dict[str, str]) -> None:
    loss, r, f = made("loss", "relativistic", **options), torch.randn(5).double(), torch.randn(5).double()
    torch.testing.assert_close(loss.d(r, f), loss.d(r + 3, f + 3))
    torch.testing.assert_close(loss.g(f, r), loss.d(f, r))  # the roles exchanged
