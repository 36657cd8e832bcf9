"""From latents to images: a class, truncation towards one of two means, noise."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from gancore.contracts import Draw, Generator, NoiseMode
from gancore.errors import GancoreError
from gancore.evaluation.draws import SampleDraw
from gancore.evaluation.pictures import finite
from gancore.sampling.start import Start
from gancore.training.samples import check_label
from gancore.training.step.draws import SeededDraw

MEAN_SAMPLES = 10_000
"""Number of latents for the mean of w of a class."""

Mean = Literal["all", "class"]


@dataclass(frozen=True)
class Look:
    """The choices for a row of a grid. label: the class of all images; None: all in turn. name: its name."""

    label: int | None = None
    truncation_psi: float = 1.0
    name: str = ""


@dataclass(frozen=True)
class Making:
    """How images are made, the same for all of them.

    truncation_cutoff: how many ws are truncated; None: all. truncation_mean: where truncation pulls to, "all":
    the mean of w over all classes, which training kept (arXiv:1812.04948, appendix B); "class": the mean over latents
    with the image's own label.
    """

    truncation_cutoff: int | None = None
    truncation_mean: Mean = "all"
    noise_mode: NoiseMode = "const"
    batch: int = 16

    @torch.no_grad()
    def images(self, generator: Generator, start: Start, look: Look) -> Iterator[Tensor]:
        """Batches [n, C, R, R] in nominal [-1, 1], on the CPU. Image i of a seed is a function of the seed and i.

        Images of a generator that is still growing are enlarged to the final size.
        Raises GancoreError if the generator does not take such labels, latents or truncation; RunError if images are
        not finite.
        """
        check_label(look.label, generator)
        if start.ws is not None and look.truncation_psi != 1:
            raise GancoreError("truncation acts between z and ws; these latents are ws already")
        means = _MeansOfClasses(generator)
        for first in range(0, len(start), self.batch):
            rows = slice(first, min(first + self.batch, len(start)))
            try:
                image = self._images(generator, start, look, rows, means)
            except ValueError as error:  # the contract's error for unsuitable arguments
                raise GancoreError(str(error)) from error
            yield finite(generator.enlarged(image).cpu())

    def _images(self, G: Generator, start: Start, look: Look, rows: slice, means: "_MeansOfClasses") -> Tensor:
        device = next(G.parameters()).device
        draw = _Drawn(start.images[rows], device)
        if start.ws is not None:
            return G.synthesis(start.ws[rows].to(device), noise_mode=self.noise_mode, stage=G.stage, draw=draw)[-1]
        assert start.z is not None
        z, label = start.z[rows].to(device), _labels(G, start, look, rows, device)
        if self.truncation_mean == "all" or label is None or look.truncation_psi == 1:
            return G(z, label, look.truncation_psi, self.truncation_cutoff, self.noise_mode, draw)
        ws, cutoff = G.mapping(z, label), G.num_ws if self.truncation_cutoff is None else self.truncation_cutoff
        near = means.of(label).lerp(ws, look.truncation_psi)
        ws = torch.cat([near[:, :cutoff], ws[:, cutoff:]], dim=1)
        return G.synthesis(ws, noise_mode=self.noise_mode, stage=G.stage, draw=draw)[-1]


class _MeansOfClasses:
    """The mean of ws of each requested class, over the latents of a fixed seed."""

    def __init__(self, G: Generator) -> None:
        self.G = G
        self.known: dict[bytes, Tensor] = {}

    def of(self, label: Tensor) -> Tensor:
        """Labels [n, label_dim] to means [n, num_ws, w_dim]."""
        if "ws" not in self.G.provides:
            raise GancoreError("this generator has no mapping network; its classes have no mean of w")
        return torch.stack([self._mean(row) for row in label])

    def _mean(self, row: Tensor) -> Tensor:
        key = row.cpu().numpy().tobytes()
        if key not in self.known:
            z = self.G.sample_z(SeededDraw.whole((0, "mean of w"), MEAN_SAMPLES, row.device))
            self.known[key] = self.G.mapping(z, row.expand(MEAN_SAMPLES, -1)).mean(dim=0)
        return self.known[key]


def _labels(G: Generator, start: Start, look: Look, rows: slice, device: torch.device) -> Tensor | None:
    if look.label is None and start.label is not None:
        return start.label[rows].to(device)
    label = G.numbered_labels([i if look.label is None else look.label for _, i in start.images[rows]])
    return None if label is None else label.to(device)


@dataclass(frozen=True)
class _Drawn:
    """The `Draw` of images that may be of several seeds."""

    images: Sequence[tuple[int, int]]
    device: torch.device
    path: str = ""

    @property
    def n(self) -> int:
        return len(self.images)

    def scoped(self, name: str) -> Draw:
        return replace(self, path=f"{self.path}{name}/")

    def normal(self, purpose: str, shape: Sequence[int] = ()) -> Tensor:
        return torch.cat([draw.normal(purpose, shape) for draw in self._draws()])

    def uniform(self, purpose: str, shape: Sequence[int] = ()) -> Tensor:
        return torch.cat([draw.uniform(purpose, shape) for draw in self._draws()])

    def once(self, purpose: str) -> float:
        return self._draws()[0].once(purpose)

    def _draws(self) -> list[SampleDraw]:
        return [SampleDraw(seed, [i], self.device, self.path) for seed, i in self.images]
