"""The noise of a synthesis network: the stored maps, and draws that leave some of it out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gancore.contracts import Draw, Generator


def noise_maps(generator: Generator) -> dict[str, Tensor]:
    """The stored noise [H, W] of layers, by the name of its buffer in the synthesis network."""
    return {k: v for k, v in generator.synthesis.named_buffers() if k.rpartition(".")[2] == "noise_const"}


@dataclass(frozen=True)
class Muted:
    """A draw whose noise images are zero, except those of chosen layers.

    heard: from the purpose of a noise image and its shape to whether it stays.
    """

    of: Draw
    heard: Callable[[str, Sequence[int]], bool]

    @property
    def n(self) -> int:
        return self.of.n

    def normal(self, purpose: str, shape: Sequence[int] = ()) -> Tensor:
        drawn = self.of.normal(purpose, shape)
        return drawn if len(shape) < 2 or self.heard(purpose, shape) else torch.zeros_like(drawn)

    def uniform(self, purpose: str, shape: Sequence[int] = ()) -> Tensor:
        return self.of.uniform(purpose, shape)

    def once(self, purpose: str) -> float:
        return self.of.once(purpose)

    def scoped(self, name: str) -> "Muted":
        return Muted(self.of.scoped(name), self.heard)
