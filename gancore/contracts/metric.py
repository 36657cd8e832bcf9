"""The contract of metrics: numbers that say how good generated images are."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor

from gancore.contracts.generator import Generator
from gancore.contracts.part import Plugin
from gancore.contracts.types import Draw


@dataclass(frozen=True)
class Value:
    """A result, with a standard deviation where the protocol has one (over subsets, over splits)."""

    value: float
    spread: float | None = None


@dataclass(frozen=True)
class Moments:
    """Mean [D] and covariance [D, D] (divided by n - 1) of features, float64."""

    mean: Tensor
    covariance: Tensor


class Measurement(Protocol):
    """What a metric measures: `samples` generated images against the real ones, through one feature plugin."""

    samples: int
    seed: int
    device: torch.device

    def fake(self, output: str = "features") -> Tensor:
        """Features (or logits) of the generated images, float32 [samples, D], on the CPU."""

    def real(self, output: str = "features") -> Tensor:
        """The same of the real images, [M, D]."""

    def fake_moments(self) -> Moments:
        """Mean and covariance of the generated images' features."""

    def real_moments(self) -> Moments:
        """Mean and covariance of the real images' features."""

    def generator(self) -> Generator:
        """The generator itself, in evaluation mode. Raises GancoreError if there are only images."""

    def draws(self) -> Iterator[tuple[Draw, Tensor | None]]:
        """Batches of `samples` draws, each number a function of the seed and the sample, with labels [N, label_dim]."""

    def of_draws(self, work: Callable[[Draw, Tensor | None], Tensor]) -> Tensor:
        """Rows [samples, ...], on the CPU, that `work` returns for the batches of `draws`.

        Several processes share the batches, each of which `draws` itself would give to all of them.
        """

    def distance(self, a: Tensor, b: Tensor) -> Tensor:
        """Perceptual distance [N] of images [N, C, H, W], 0 black to 255 white; gray is repeated to RGB."""


class Metric(Plugin):
    """A protocol: what to measure, on how many samples, and how it becomes one number or several.

    needs: what the feature plugin must provide: "features", "logits" or "distance".
    standard: the feature plugin that the bare name implies; with any other the name carries it, `fid[embedded]`.
    values: the names that `measure` returns; empty: the plugin's own.
    bound: whether the name means the standard features (fd_dinov2), so that no others can be chosen.
    samples: generated images (or pairs) of the published protocol.
    higher_is_better: the direction; of the first of several values.
    """

    needs: ClassVar[str] = "features"
    standard: ClassVar[str] = "inception"
    values: ClassVar[tuple[str, ...]] = ()
    bound: ClassVar[bool] = False
    samples: ClassVar[int] = 50_000
    higher_is_better: ClassVar[bool] = False

    def __init__(self, cfg: Any) -> None:
        self.cfg = cfg

    def check(self) -> None:
        """Raises GancoreError if something that it needs is missing; called before any work starts."""

    def shortages(self, samples: int, reals: int | None) -> Iterable[str]:
        """Reasons why so few images cannot be measured; called before any work starts.

        samples: generated images. reals: real ones, None where there are none to compare with.
        """
        return ()

    @property
    def protocol(self) -> str:
        """One line on how the number is computed, so that readers can compare it with others."""
        raise NotImplementedError

    def measure(self, images: Measurement) -> dict[str, Value]:
        """The results by name, {"precision": ..., "recall": ...}."""
        raise NotImplementedError
