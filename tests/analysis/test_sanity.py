"""The two sanity numbers tell one colour, noise and copies from pictures."""

import pytest
import torch

from gancore.analysis.sanity import distance_to_data, diversity


@pytest.fixture(scope="module")
def reals() -> torch.Tensor:
    """Discs of random place, size and colour on white, [64, 3, 32, 32]."""
    g = torch.Generator().manual_seed(0)
    x, y, r = (torch.rand(64, 1, 1, 1, generator=g) * s + o for s, o in ((20, 6), (20, 6), (8, 3)))
    colour = torch.rand(64, 3, 1, 1, generator=g) * 2 - 1
    rows, columns = torch.meshgrid(torch.arange(32), torch.arange(32), indexing="ij")
    inside = (rows - y) ** 2 + (columns - x) ** 2 < r**2
    return torch.where(inside, colour, torch.ones(()))


def test_the_data_themselves_score_one(reals: torch.Tensor) -> None:
    assert diversity(reals, reals) == pytest.approx(1)
    assert distance_to_data(reals[:32], reals[32:]) == pytest.approx(1, abs=0.35)


def test_one_colour_has_no_diversity(reals: torch.Tensor) -> None:
    assert diversity(torch.zeros(64, 3, 32, 32), reals) == 0


def test_noise_is_far_from_the_data(reals: torch.Tensor) -> None:
    noise = torch.randn(64, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    assert distance_to_data(noise, reals) > 2


def test_copies_are_near(reals: torch.Tensor) -> None:
    assert distance_to_data(reals, reals) == pytest.approx(0, abs=1e-6)
