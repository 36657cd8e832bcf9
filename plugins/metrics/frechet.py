"""Fréchet distance between features of generated and real images: FID, and the same on any features.

    |m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2))

Source: arXiv:1706.08500 equation 6; FD-DINOv2: arXiv:2306.04675. The trace of the square root is that of the singular
values of R1^T R2 with S = R R^T: unlike the square root of the product, it is right where covariances are singular,
which they are whenever there are fewer images than features.
"""

from collections.abc import Iterator
from typing import ClassVar

import torch
from torch import Tensor

from gancore.contracts import Measurement, Metric, Moments, Value


class _Frechet(Metric):
    """The distance; plugins differ in the features that their bare name implies."""

    name: ClassVar[str]

    def shortages(self, samples: int, reals: int | None) -> Iterator[str]:
        for count, images in ((samples, "generated"), (reals, "real")):
            if count is not None and count < 2:
                yield f"a covariance needs at least two {images} images, and there is {count}"

    @property
    def protocol(self) -> str:
        return "Fréchet distance; covariances over n - 1"

    def measure(self, images: Measurement) -> dict[str, Value]:
        return {self.name: Value(frechet_distance(images.fake_moments(), images.real_moments()))}


class FID(_Frechet):
    """Plugin `fid`: on Inception features."""

    name = "fid"


class FDDINOv2(_Frechet):
    """Plugin `fd_dinov2`: on DINOv2 features, and on no others (that is `fd`)."""

    name, standard, bound = "fd_dinov2", "dinov2", True


class FD(_Frechet):
    """Plugin `fd`: on any features, which its name always contains."""

    name, standard = "fd", ""


def frechet_distance(a: Moments, b: Moments) -> float:
    """The squared distance of two normal distributions, float64; 0 for equal ones."""
    root = torch.linalg.svdvals(square_root(a.covariance).mT @ square_root(b.covariance)).sum()
    traces = a.covariance.trace() + b.covariance.trace()
    return float((a.mean - b.mean).square().sum() + traces - 2 * root)


def square_root(covariance: Tensor) -> Tensor:
    """R [D, r] with R R^T = covariance [D, D] of rank r: eigenvectors times roots of eigenvalues above rounding."""
    values, vectors = torch.linalg.eigh(covariance)
    kept = values > len(values) * torch.finfo(values.dtype).eps * values[-1]
    return vectors[:, kept] * values[kept].sqrt()
