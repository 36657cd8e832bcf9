"""The generated side of a comparison: a generator's seeded samples, or images of a folder."""

from collections.abc import Callable, Iterator, Sequence
from typing import Literal, Protocol, TypeVar

import torch
from torch import Tensor

from gancore.contracts import Generator
from gancore.data import ImageData
from gancore.data.labels import LabelRows, random_labels
from gancore.data.lazy import Lazy
from gancore.errors import GancoreError
from gancore.evaluation.draws import DRAWS, SampleDraw
from gancore.evaluation.pictures import finite, to_uint8

T = TypeVar("T")


class Fakes(Protocol):
    """Images to score."""

    seeded: bool
    """Whether another seed makes other images."""
    protocol: str
    """How the images were made, if not in the default way; a part of a score's protocol."""

    def images(self, seed: int, start: int, stop: int) -> Sequence[Tensor]:
        """Images start to stop - 1 of a seed's sequence, uint8 [n, C, R, R], each batch made when it is taken.

        Taking one raises RunError if its images are not finite.
        """

    def count(self, wanted: int | None, standard: int) -> int:
        """The number of images to score: `wanted`, or that of the protocol, `standard`."""

    def generator(self) -> Generator:
        """The generator. Raises GancoreError if there are only images."""

    def drawn(self, seed: int, samples: int) -> Sequence[tuple[SampleDraw, Tensor | None]]:
        """Batches of draws with labels [n, label_dim], each made when it is taken."""


class Generated:
    """Samples of a generator: no truncation, random noise, labels as the data have them.

    labels: those of the real images, of which each sample takes one; None: all classes or examples are equally likely.
    draws: where latents and noise are drawn, "host" or "device"; the numbers differ, as with another seed.
    A growing generator's images are enlarged to its final size by repeating pixels.
    """

    seeded = True

    def __init__(
        self,
        generator: Generator,
        labels: LabelRows | None = None,
        batch: int = 64,
        draws: Literal["host", "device"] = "host",
    ) -> None:
        self.network, self.batch, self._draw = generator, batch, DRAWS[draws]
        self.protocol = "" if draws == "host" else "latents and noise drawn on the device"
        self.device = next(generator.parameters()).device
        self.labels = LabelRows.of_model(generator) if labels is None else labels

    def generator(self) -> Generator:
        return self.network

    def count(self, wanted: int | None, standard: int) -> int:
        return wanted or standard

    def images(self, seed: int, start: int, stop: int) -> Sequence[Tensor]:
        return in_batches(start, stop, self.batch, lambda which: self._painted(seed, which))

    def drawn(self, seed: int, samples: int) -> Sequence[tuple[SampleDraw, Tensor | None]]:
        return in_batches(0, samples, self.batch, lambda which: self._of(seed, which))

    @torch.no_grad()
    def batches(self, seed: int, start: int, stop: int) -> Iterator[Tensor]:
        """The same as `images`, one after another."""
        yield from self.images(seed, start, stop)

    def draws(self, seed: int, samples: int) -> Iterator[tuple[SampleDraw, Tensor | None]]:
        """The same as `drawn`, one after another."""
        return iter(self.drawn(seed, samples))

    @torch.no_grad()
    def _painted(self, seed: int, which: range) -> Tensor:
        draw, label = self._of(seed, which)
        return to_uint8(finite(self.network.sample(draw, label)))

    def _of(self, seed: int, which: range) -> tuple[SampleDraw, Tensor | None]:
        draw = self._draw(seed, which, self.device)
        return draw, random_labels(self.labels, draw)


class Given:
    """Images of a folder or an archive, the first ones if fewer are needed."""

    seeded = False
    protocol = ""

    def __init__(self, data: ImageData, batch: int = 64) -> None:
        self.data, self.batch = data, batch

    def generator(self) -> Generator:
        raise GancoreError("this metric needs a generator's latents; name a run or a model instead of images")

    def count(self, wanted: int | None, standard: int) -> int:
        if wanted is not None and wanted > len(self.data):
            raise GancoreError(f"{wanted} samples were requested, and there are {len(self.data)} images")
        return wanted or len(self.data)

    def images(self, seed: int, start: int, stop: int) -> Sequence[Tensor]:
        def batch(which: range) -> Tensor:
            return torch.from_numpy(self.data.images[which.start : which.stop])

        return in_batches(start, stop, self.batch, batch)

    def drawn(self, seed: int, samples: int) -> Sequence[tuple[SampleDraw, Tensor | None]]:
        self.generator()
        return []


def in_batches(start: int, stop: int, batch: int, make: Callable[[range], T]) -> Sequence[T]:
    """make(which) of the numbers start to stop - 1, `batch` at a time, each made when it is taken."""
    count = len(range(start, stop, batch))
    return Lazy(count, lambda i: make(range(start + i * batch, min(start + (i + 1) * batch, stop))))
