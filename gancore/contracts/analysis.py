"""The contract of analyses: what a trained network does inside, as figures and numbers."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol, TypeVar

import torch
from torch import Tensor

from gancore.contracts.discriminator import Discriminator
from gancore.contracts.figure import Figure
from gancore.contracts.generator import Generator
from gancore.contracts.metric import Value
from gancore.contracts.part import Plugin
from gancore.contracts.types import Draw, Network

T = TypeVar("T")

Edit = Callable[[Tensor], Tensor]
"""Changes activations [N, C, H, W] on their way: the network goes on with what it returns."""


@dataclass(frozen=True)
class Layer:
    """A layer with maps [N, channels, resolution, resolution]; `name` is its state-dict name (`b16.conv1`).

    image: whether its maps are an image (a toRGB).
    """

    name: str
    resolution: int
    channels: int
    image: bool


@dataclass(frozen=True)
class Snapshot:
    """The averaged generator of a run after `kimg` thousand images."""

    kimg: float
    generator: Generator


class Subject(Protocol):
    """What an analysis examines: a trained model, and the files beside it.

    Every number is a function of (seed, sample): `draws` yields batches of `count` samples with their labels.
    """

    count: int
    seed: int
    device: torch.device

    @property
    def generator(self) -> Generator:
        """The averaged generator in evaluation mode, on the device; its parameters need no gradients."""

    @property
    def provided(self) -> Mapping[str, frozenset[str]]:
        """What `requires` may ask for, by kind: {"generator": {"ws"}, "run": {"history"}, "dataset": {"images"}}."""

    def draws(self, count: int | None = None) -> Iterator[tuple[Draw, Tensor | None]]:
        """Batches of draws and labels [n, label_dim], of `count` samples in all (None: the subject's count)."""

    def latents(self, count: int | None = None) -> tuple[Tensor, Tensor | None]:
        """Latents z [count, z_dim] of the same draws, and their labels."""

    def layers(self, network: Network = "generator") -> Sequence[Layer]:
        """The layers with maps, in the order of computation; those of a generator are its synthesis network's."""

    def tap(
        self, names: Iterable[str], edits: Mapping[str, Edit] | None = None, network: Network = "generator"
    ) -> AbstractContextManager[Mapping[str, Tensor]]:
        """A context that records the last activations of the named layers, by name.

        edits: changes to activations, by the name of the layer, that the rest of the network sees.
        """

    def discriminator(self) -> Discriminator:
        """The discriminator, where "run:discriminator" is provided."""

    def history(self) -> Iterator[Snapshot]:
        """Generators of the run's checkpoints, from the first on, where "run:history" is provided."""

    def reals(self, count: int) -> Tensor:
        """Real images [count or fewer, C, R, R], nominal range [-1, 1], where "dataset:images" is provided."""

    def features(self, images: Tensor) -> Tensor:
        """Features [N, D] of images [N, C, H, W], nominal range [-1, 1]."""

    def distance(self, a: Tensor, b: Tensor) -> Tensor:
        """Perceptual distance [N] of images [N, C, H, W], nominal range [-1, 1]; differentiable."""

    def distances_to(self, b: Tensor) -> Callable[[Tensor], Tensor]:
        """`distance(a, b)` as a function of a, for many a: faster."""

    @property
    def looked_through(self) -> str:
        """The feature plugin of `features` and `distance`, with its distinguishing options."""

    def shown(self, items: Iterable[T], total: int, unit: str = "") -> Iterator[T]:
        """The items, with a progress bar on a terminal."""


@dataclass(frozen=True)
class Result:
    """The results of an analysis.

    numbers: by name; those of parts have a slash, "peak_ratio/b16.conv1"; the others appear in tables over a grid.
    places: results that are text: {"onset layer": "b16.conv1"}.
    tensors: exact values for other programs, by name: written as safetensors.
    """

    numbers: Mapping[str, Value]
    figures: Sequence[Figure] = ()
    places: Mapping[str, str] = field(default_factory=dict)
    tensors: Mapping[str, Tensor] = field(default_factory=dict)


class Analysis(Plugin):
    """Examines a trained model: numbers with their protocol, and figures.

    requires: {"generator:ws": "why"}; beside what a generator provides there are "run:history" (checkpoints),
        "run:discriminator", "dataset:images" (real images). If one is missing, the analysis is refused, with
        that reason.
    count: samples that it takes by default. features: the feature plugins that it may use, the first that is available;
        numbers from another than the first say so: `nearest[embedded]`. A constructor may set them by its options.
    directions: names of numbers to which end is better, for tables over a grid; others are only listed.
    """

    count: ClassVar[int] = 64
    features: ClassVar[tuple[str, ...]] = ()
    directions: ClassVar[Mapping[str, Literal["higher", "lower"]]] = {}

    def __init__(self, cfg: Any) -> None:
        self.cfg = cfg

    def misfits(self, subject: Subject) -> Iterable[str]:
        """Reasons why it says nothing about this model (no layer has maps); called before `analyze`."""
        return ()

    @property
    def protocol(self) -> str:
        """One line on how the numbers are computed, so that readers can compare them with others."""
        raise NotImplementedError

    def analyze(self, subject: Subject) -> Result:
        """Examines the model. Gradients are off; turn them on with `torch.enable_grad()`. Numbers must be finite."""
        raise NotImplementedError
