"""Kernel Inception distance: unbiased squared MMD with the kernel (x y / d + 1)^3, mean over random subsets.

Source: arXiv:1801.01401; StyleGAN2-ADA and torch-fidelity take 100 subsets of 1,000. The kernel and the estimate are
torch-fidelity's, computed in float64, on the subsets that its command draws.
"""

from collections.abc import Iterable, Iterator

import numpy as np
from pydantic import Field
from torch import Tensor

from gancore.contracts import Measurement, Metric, PluginConfig, Value
from gancore.evaluation.weights import package

SEED = 2020
"""Of the subsets, as in torch-fidelity; the images have their own seed."""


class KID(Metric):
    """Plugin `kid`: mean and standard deviation over subsets."""

    class Config(PluginConfig):
        subsets: int = Field(100, ge=1, description="random subsets")
        subset_size: int = Field(
            1000, ge=2, description="images of each side in a subset; at most as many as there are"
        )

    def check(self) -> None:
        package("torch_fidelity", "evaluation")

    def shortages(self, samples: int, reals: int | None) -> Iterator[str]:
        if min(samples, 2 if reals is None else reals) < 2:
            yield f"kid needs two images on either side, and there are {samples} generated and {reals} real ones"

    @property
    def protocol(self) -> str:
        return f"squared MMD, cubic kernel, {self.cfg.subsets} subsets of at most {self.cfg.subset_size}"

    def measure(self, images: Measurement) -> dict[str, Value]:
        fake, real = images.fake(), images.real()
        size = min(self.cfg.subset_size, len(fake), len(real))
        estimates = subset_mmds(fake, real, random_subsets(len(fake), len(real), size, self.cfg.subsets))
        return {"kid": Value(float(np.mean(estimates)), float(np.std(estimates)))}


def random_subsets(fakes: int, reals: int, size: int, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """`count` pairs of rows [size] of either side, without repetition in one."""
    rng = np.random.RandomState(SEED)
    return [(rng.choice(fakes, size, replace=False), rng.choice(reals, size, replace=False)) for _ in range(count)]


def subset_mmds(fake: Tensor, real: Tensor, subsets: Iterable[tuple[np.ndarray, np.ndarray]]) -> list[float]:
    """The estimate for each pair of subsets of features [N, D] and [M, D]."""
    kernel_mmd = package("torch_fidelity.metric_kid", "evaluation").kernel_mmd
    f, r = fake.double().numpy(), real.double().numpy()
    return [float(kernel_mmd(f[rows], r[columns])) for rows, columns in subsets]
