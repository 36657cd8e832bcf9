"""Mean and covariance of features."""

from torch import Tensor

from gancore.contracts import Moments
from gancore.errors import GancoreError


def moments_of(features: Tensor, images: str = "images") -> Moments:
    """Of features [N, D], in float64; raises GancoreError for fewer than two rows, which names the `images`."""
    n = len(features)
    if n < 2:
        raise GancoreError(f"a covariance needs at least two {images}, and there is {n}")
    x = features.double()
    mean = x.mean(dim=0)
    x -= mean
    return Moments(mean, x.mT @ x / (n - 1))
