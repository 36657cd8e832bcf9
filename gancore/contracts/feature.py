"""The contract of features: networks whose outputs metrics compare."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from gancore.contracts.part import Plugin


class Feature(Plugin):
    """An image network used as a measuring instrument. Making one must be cheap: weights are loaded by `prepare`.

    `provides` says what it measures: "features" and "logits" of `extract`, "distance" of `distance`.
    """

    provides: ClassVar[frozenset[str]] = frozenset({"features"})

    def __init__(self, cfg: Any) -> None:
        self.cfg = cfg

    @property
    def variant(self) -> str:
        """What differs from the plugin's standard form (a model's name, other weights), for the names of scores."""
        return ""

    @property
    def precision(self) -> str:
        """The precision where it is less than float32, "bf16", for the names of scores: `fid[inception-bf16]`."""
        return ""

    def check(self) -> None:
        """Finds everything that it needs, and downloads what may be downloaded, before any work starts.

        Raises GancoreError that says where weights were expected, and what can be used instead.
        """

    def weights_hash(self) -> str:
        """sha256 (hex) of the weights; statistics of images are kept under it. Called after `check`."""
        raise NotImplementedError

    def prepare(self, device: torch.device) -> None:
        """Builds the network on a device. Called once, after `check`."""

    def extract(self, images: Tensor, outputs: Sequence[str]) -> dict[str, Tensor]:
        """The wanted outputs, float32 [N, D] each, of RGB images uint8 [N, 3, H, W]."""
        raise NotImplementedError

    def distance(self, a: Tensor, b: Tensor) -> Tensor:
        """Perceptual distance [N] of pairs of RGB images [N, 3, H, W], float, 0 black to 255 white, not quantised.

        Gradients pass where they are on: projection follows them.
        """
        raise NotImplementedError

    def distances_to(self, b: Tensor) -> Callable[[Tensor], Tensor]:
        """`distance(a, b)` as a function of a, for many a. One that keeps what the network makes of b is faster."""
        return lambda a: self.distance(a, b)
