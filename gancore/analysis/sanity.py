"""Two numbers that distinguish one colour and noise from pictures; neither is a quality metric.

Both compare images at 16x16 (box-averaged), by the root of the mean squared difference of their pixels:

diversity   mean distance of two samples, over that of two training images: near 0 when all samples look alike
distance    mean distance of a sample to its nearest training image, over that of a training image to its nearest
            other: far above 1 when samples are noise, far below 1 when they are copies
"""

import torch
from torch import Tensor
from torch.nn import functional as F

SIDE = 16


def diversity(fakes: Tensor, reals: Tensor) -> float:
    """Images [N, C, R, R] and [M, C, R, R] of one scale, N and M at least 2."""
    return _mean_pairwise(_small(fakes)) / _mean_pairwise(_small(reals))


def distance_to_data(fakes: Tensor, reals: Tensor) -> float:
    """Images [N, C, R, R] and [M, C, R, R] of one scale, M at least 2."""
    fake, real = _small(fakes), _small(reals)
    among = _distances(real, real).fill_diagonal_(float("inf"))
    return float(_distances(fake, real).amin(1).mean() / among.amin(1).mean())


def _small(images: Tensor) -> Tensor:
    """[N, D] pixels of the images at 16x16 at most."""
    return F.adaptive_avg_pool2d(images.double(), min(SIDE, images.shape[-1])).flatten(1)


def _distances(a: Tensor, b: Tensor) -> Tensor:
    return torch.cdist(a, b) / a.shape[1] ** 0.5


def _mean_pairwise(x: Tensor) -> float:
    n = x.shape[0]
    return float(_distances(x, x).sum() / (n * (n - 1)))
