"""The real side of a comparison: chosen images of a data set, and their cached statistics."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gancore.contracts import Moments
from gancore.data import ImageData
from gancore.data.lazy import Lazy
from gancore.errors import GancoreError
from gancore.evaluation.cache import cached
from gancore.evaluation.extractor import FeatureExtractor
from gancore.evaluation.fakes import in_batches
from gancore.evaluation.moments import moments_of
from gancore.evaluation.sharing import sharing
from gancore.seeds import seed_of

BATCH = 64

Statistics = dict[str, Tensor]


class Reals:
    """All images of a data set or a fixed choice of them, and their mirror images if training mirrors.

    count: images to choose; the choice is the same for every evaluation, so numbers stay comparable.

    Raises GancoreError if there are fewer than `count`.
    """

    def __init__(self, data: ImageData, count: int | None = None, cache: Path | None = None) -> None:
        self.data, self.cache = data, cache
        self.mirror = data.identity.mirror
        self.indices = _choice(len(data), count)
        self._seen: dict[tuple[str, str], Tensor] = {}
        self._moments: dict[str, Moments] = {}

    def __len__(self) -> int:
        """Number of real images, mirrored ones included."""
        return len(self.indices) * (1 + self.mirror)

    def describe(self) -> dict[str, Any]:
        """Identity of the data, and `reals`: the number of real images."""
        return {**self.data.identity.to_dict(), "reals": len(self)}

    def words(self) -> str:
        """The number of real images, for the protocol of a score: `50 of 70 real images, mirrored as well`."""
        chosen, total = len(self.indices), len(self.data)
        count = f"all {total}" if chosen == total else f"{chosen} of {total}"
        return f"{count} real images{', mirrored as well' * self.mirror}"

    def features(self, extractor: FeatureExtractor, output: str) -> Tensor:
        """[M, D] through a feature plugin."""
        if (extractor.label, output) not in self._seen:
            kept = self._cached(extractor, output, lambda: self._extract(extractor, output))
            self._seen[extractor.label, output] = kept[output]
        return self._seen[extractor.label, output]

    def moments(self, extractor: FeatureExtractor) -> Moments:
        """Mean and covariance of the features; cached separately, since they are small and usually sufficient."""
        if extractor.label not in self._moments:
            kept = self._cached(extractor, "moments", lambda: self._compute_moments(extractor))
            self._moments[extractor.label] = Moments(kept["mean"], kept["covariance"])
        return self._moments[extractor.label]

    def _cached(self, extractor: FeatureExtractor, what: str, make: Callable[[], Statistics]) -> Statistics:
        """What is kept on disk, or else computed by all processes of the evaluation."""
        key = self._key(extractor, what)
        return sharing().kept_or_made(lambda computed: cached(key, computed, self.cache), make)

    def _compute_moments(self, extractor: FeatureExtractor) -> dict[str, Tensor]:
        seen = self._seen.get((extractor.label, "features"))
        features = self._extract(extractor, "features")["features"] if seen is None else seen
        self._seen[extractor.label, "features"] = features
        found = moments_of(features, "real images")
        return {"mean": found.mean, "covariance": found.covariance}

    def _extract(self, extractor: FeatureExtractor, output: str) -> dict[str, Tensor]:
        return extractor.extract(self._batches(), (output,), len(self))

    def _batches(self) -> Sequence[Tensor]:
        """uint8 [n, C, R, R]: the chosen images, then the same mirrored."""

        def images(which: range) -> Tensor:
            chosen = self.indices[which.start : which.stop]
            return torch.from_numpy(np.ascontiguousarray(self.data.images[chosen]))

        plain = in_batches(0, len(self.indices), BATCH, images)
        sides = 1 + self.mirror
        return Lazy(sides * len(plain), lambda i: plain[i] if i < len(plain) else plain[i - len(plain)].flip(3))

    def _key(self, extractor: FeatureExtractor, what: str) -> dict[str, Any]:
        return {"data": self.data.identity.to_dict(), "reals": len(self.indices), "what": what, **extractor.key()}


def _choice(total: int, count: int | None) -> np.ndarray:
    """`count` of `total` indices, ascending; all of them without a count."""
    if count is not None and count > total:
        raise GancoreError(f"{count} real images were requested (`reals`), and there are {total}")
    if count is None or count == total:
        return np.arange(total)
    rng = np.random.Generator(np.random.PCG64(seed_of("reals")))
    return np.sort(rng.permutation(total)[:count])
