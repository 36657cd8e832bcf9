"""The `Subject` of the contracts: a generator, and what was found beside it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TypeVar

import torch
from torch import Tensor, nn
from tqdm import tqdm

from gancore.analysis.samples import BATCH
from gancore.analysis.taps import map_layers, tapped
from gancore.contracts import Discriminator, Draw, Edit, Generator, Layer, Snapshot
from gancore.contracts.types import Network
from gancore.data import ImageData
from gancore.data.labels import LabelRows, random_labels
from gancore.display import rewrites_lines
from gancore.errors import GancoreError
from gancore.evaluation.draws import SampleDraw
from gancore.evaluation.extractor import FeatureExtractor
from gancore.evaluation.pictures import to_uint8

T = TypeVar("T")


@dataclass(frozen=True)
class Sources:
    """What there is of a model. history: kimg and how to get the generator, from the first checkpoint on.

    data: how to open the real images, None where there are none; labels: those that samples take one of.
    """

    generator: Generator
    discriminator: Callable[[], Discriminator] | None = None
    history: Sequence[tuple[float, Callable[[], Generator]]] = ()
    data: Callable[[], ImageData] | None = None
    labels: LabelRows | None = None
    about: Mapping[str, object] = field(default_factory=dict)
    """Which model it is, for the record: file, hash, kimg."""


@dataclass
class ModelSubject:
    """A model on a device, examined with one seed."""

    sources: Sources
    count: int
    seed: int
    device: torch.device
    extractor: FeatureExtractor | None = None

    def __post_init__(self) -> None:
        self._generator = self.sources.generator.to(self.device).eval().requires_grad_(False)
        self._layers: dict[str, list[Layer]] = {}
        self._judge: Discriminator | None = None

    @property
    def generator(self) -> Generator:
        return self._generator

    @property
    def provided(self) -> Mapping[str, frozenset[str]]:
        has = {"history": bool(self.sources.history), "discriminator": self.sources.discriminator is not None}
        return {
            "generator": self._generator.provides,
            "run": frozenset(word for word, there in has.items() if there),
            "dataset": frozenset({"images"} if self.sources.data else ()),
        }

    def draws(self, count: int | None = None) -> Iterator[tuple[Draw, Tensor | None]]:
        classes, total = self._generator.interface.label_dim, count or self.count
        labels = self.sources.labels or (LabelRows.of_each_class(classes) if classes else None)
        for start in range(0, total, BATCH):
            draw = SampleDraw(self.seed, range(start, min(start + BATCH, total)), self.device)
            yield draw, random_labels(labels, draw)

    def latents(self, count: int | None = None) -> tuple[Tensor, Tensor | None]:
        rows = [(self._generator.sample_z(draw), label) for draw, label in self.draws(count)]
        labels = [label for _, label in rows if label is not None]
        return torch.cat([z for z, _ in rows]), torch.cat(labels) if labels else None

    def layers(self, network: Network = "generator") -> Sequence[Layer]:
        if network not in self._layers:
            self._layers[network] = map_layers(
                self._network(network), lambda: self._run(network), self._generator.interface.channels
            )
        return self._layers[network]

    def tap(
        self, names: Iterable[str], edits: Mapping[str, Edit] | None = None, network: Network = "generator"
    ) -> AbstractContextManager[Mapping[str, Tensor]]:
        return tapped(self._network(network), names, edits)

    def discriminator(self) -> Discriminator:
        if self.sources.discriminator is None:
            raise GancoreError("this model comes without a discriminator")
        if self._judge is None:
            self._judge = self.sources.discriminator().to(self.device).eval().requires_grad_(False)
        return self._judge

    def history(self) -> Iterator[Snapshot]:
        for kimg, generator in self.sources.history:
            yield Snapshot(kimg, generator().to(self.device).eval().requires_grad_(False))

    def reals(self, count: int) -> Tensor:
        if self.sources.data is None:
            raise GancoreError("there are no real images beside this model; say which ones (--real)")
        data = self.sources.data()
        indices = torch.linspace(0, len(data) - 1, min(count, len(data))).round().long()
        return data.batch(indices, None, self.device)

    def features(self, images: Tensor) -> Tensor:
        batches = [to_uint8(batch).cpu() for batch in images.split(BATCH)]
        return self._through().extract(batches, ("features",), len(images))["features"]

    def distance(self, a: Tensor, b: Tensor) -> Tensor:
        return self._through().distance(_levels(a), _levels(b))

    def distances_to(self, b: Tensor) -> Callable[[Tensor], Tensor]:
        to_b = self._through().distances_to(_levels(b))
        return lambda a: to_b(_levels(a))

    @property
    def looked_through(self) -> str:
        return self._through().label

    def shown(self, items: Iterable[T], total: int, unit: str = "") -> Iterator[T]:
        yield from tqdm(items, total=total, unit=f" {unit}", delay=1, disable=not rewrites_lines(), leave=False)

    def _through(self) -> FeatureExtractor:
        if self.extractor is None:
            raise GancoreError("this analysis names no features that it uses")
        return self.extractor

    def _network(self, network: Network) -> nn.Module:
        return self._generator.synthesis if network == "generator" else self.discriminator()

    @torch.no_grad()
    def _run(self, network: Network) -> None:
        """One sample through a network."""
        draw, label = next(self.draws(1))
        image = self._generator.sample(draw, label)
        if network == "discriminator":
            self.discriminator()(self._generator.reals(image), label)


def _levels(images: Tensor) -> Tensor:
    """From nominal [-1, 1] to 0 black and 255 white, not quantised."""
    return (images.float() + 1) * 127.5
