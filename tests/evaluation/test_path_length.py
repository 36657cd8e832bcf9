"""Path length against closed forms, and what it must not depend on."""

import pytest
import torch
from scipy import stats
from support.tiny import tiny_experiment
from torch import Tensor, nn

from gancore.composition import compose
from gancore.contracts import Generator, Images, Interface
from gancore.evaluation.draws import SampleDraw
from gancore.evaluation.fakes import Generated
from gancore_plugins.features.embedded import Embedded
from gancore_plugins.metrics.path_length import PPL2WEnd, Walk, trimmed_mean

K = 12
"""Dimensions of latents, and of what the linear generator paints."""


class Linear(Generator):
    """ws [N, 1, K] to images [N, 3, 2, 2] by a rotation: equal steps in w are equal steps in pixels."""

    def __init__(self) -> None:
        super().__init__(None, Interface(2, 3), lambda site: None)
        self.z_dim = self.w_dim = K
        self.num_ws = 1
        self.rotation = nn.Parameter(torch.linalg.qr(torch.randn(K, K, generator=torch.Generator().manual_seed(0)))[0])
        self.mapping = lambda z, label=None: z[:, None]
        self.synthesis = self.paint

    def paint(self, ws: Tensor, noise_mode: str = "random", stage: object = None, draw: object = None) -> Images:
        return ((ws[:, 0] @ self.rotation).view(-1, 3, 2, 2),)


class Quadratic:
    """The squared difference of images, which are stretched to 0 to 255."""

    @staticmethod
    def distance(a: Tensor, b: Tensor) -> Tensor:
        return ((a - b) / 127.5).flatten(1).square().sum(dim=1)


def trimmed_chi2(k: int) -> float:
    """Mean of chi2_k between its 1st and 99th percentile: x p_k(x) = k p_(k+2)(x)."""
    low, high = stats.chi2.ppf([0.01, 0.99], k)
    return k * (stats.chi2.cdf(high, k + 2) - stats.chi2.cdf(low, k + 2)) / 0.98


def measured(
    generator: Generator, extractor: object, samples: int, batch: int = 64, walk: Walk | None = None
) -> Tensor:
    walk = walk or Walk("w", "end", False, 1e-4)
    draws = Generated(generator, batch=batch).draws(0, samples)
    return torch.cat([walk.lengths(generator, extractor, draw, label) for draw, label in draws])


@pytest.mark.parametrize("sampling", ["end", "full"])
def test_a_linear_generator_gives_the_trimmed_mean_of_chi2(sampling: str) -> None:
    """|A (z1 - z0)|^2 = |z1 - z0|^2 = 2 chi2_K, wherever on the way one looks."""
    lengths = measured(Linear(), Quadratic(), 10_000, 2048, Walk("w", sampling, False, PPL2WEnd.Config().epsilon))
    assert trimmed_mean(lengths) == pytest.approx(2 * trimmed_chi2(K), rel=0.03)


def test_outliers_are_left_out() -> None:
    lengths = torch.cat([torch.full((982,), 2.0), torch.zeros(9), torch.full((9,), 1e9)])
    assert trimmed_mean(lengths) == 2.0


@pytest.fixture(scope="module")
def painter() -> Generator:
    """A small StyleGAN2 whose noise matters."""
    generator = compose(tiny_experiment()).generator.eval().requires_grad_(False)
    for name, parameter in generator.named_parameters():
        if name.endswith("noise_strength"):
            parameter.fill_(0.5)
    return generator


@pytest.fixture(scope="module")
def embedded() -> Embedded:
    extractor = Embedded(None)
    extractor.prepare(torch.device("cpu"))
    return extractor


def test_neither_batch_nor_order_matters(painter: Generator, embedded: Embedded) -> None:
    at_once, one_by_one = measured(painter, embedded, 24, 24), measured(painter, embedded, 24, 5)
    torch.testing.assert_close(at_once, one_by_one, rtol=1e-2, atol=0)  # rounding over epsilon squared
    assert trimmed_mean(at_once) == pytest.approx(trimmed_mean(one_by_one), rel=1e-3)
    order = list(reversed(range(24)))
    backwards = Walk("w", "end", False, 1e-4).lengths(
        painter, embedded, SampleDraw(0, order, torch.device("cpu")), None
    )
    torch.testing.assert_close(backwards.flip(0), at_once, rtol=1e-2, atol=0)


def test_both_images_of_a_pair_have_the_same_noise(painter: Generator, embedded: Embedded) -> None:
    """With noise of their own, images epsilon apart would differ by the noise: a length of 1 / epsilon squared."""
    assert measured(painter, embedded, 8).max() < 1e4


def test_path_length_follows_the_metric_not_the_step(painter: Generator, embedded: Embedded) -> None:
    fine, coarse = (
        trimmed_mean(measured(painter, embedded, 24, walk=Walk("w", "end", False, e))) for e in (1e-4, 1e-3)
    )
    assert fine == pytest.approx(coarse, rel=0.05)


def test_the_crop_looks_at_the_middle() -> None:
    walk = Walk("w", "end", True, 1e-4)
    image = torch.zeros(1, 3, 512, 512)
    image[:, :, 192:448, 128:384] = 1
    assert torch.equal(walk.seen(image), torch.full((1, 3, 256, 256), 255.0))
    assert walk.seen(torch.zeros(1, 3, 2048, 2048)).shape == (1, 3, 256, 256)
