"""`gancore.sample`: images of a run, a model or a generator, as one tensor that a notebook shows as a grid."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import torch
from torch import Tensor

from gancore import display
from gancore.artifacts import load
from gancore.artifacts.pictures import as_picture
from gancore.contracts import Generator, Interface, NoiseMode
from gancore.device import pick_device
from gancore.errors import GancoreError
from gancore.evaluation.pictures import to_uint8
from gancore.evaluation.progress import shown
from gancore.sampling.making import Look, Making, Mean
from gancore.sampling.start import Start, of_file, of_seed, of_seeds
from gancore.sampling.writing import grid_of, write
from gancore.training.samples import label_number

COUNT, COUNT_IN_ROW = 64, 8


@dataclass(frozen=True, repr=False)
class Samples:
    """Images of a generator, those of the first look first.

    images: [len(looks) * len(names), C, R, R] in nominal [-1, 1], not clamped, on the CPU.
    names: of the latents, as `gancore sample` names files. looks: a label and a truncation each; a row of the grid.
    """

    images: Tensor
    names: Sequence[str]
    looks: Sequence[Look]
    interface: Interface

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        return f"<{len(self)} images [N, {', '.join(map(str, self.images.shape[1:]))}]>"

    def _repr_png_(self) -> bytes:
        """The grid, shrunk if it is large."""
        return display.png(as_picture(grid_of(to_uint8(self.images), self.looks, self.interface)))

    def save(self, out: str | Path) -> Path:
        """Writes a grid, a folder or an array, as `gancore sample --out` does. Raises GancoreError."""
        write(Path(out), iter([self.images]), self.names, self.looks, self.interface)
        return Path(out)


def sample(
    model: str | Path | Generator,
    count: int | None = None,
    seed: int = 0,
    seeds: Sequence[int] | None = None,
    latents: str | Path | None = None,
    label: int | str | Sequence[int | str] | None = None,
    truncation_psi: float | Sequence[float] = 1.0,
    truncation_cutoff: int | None = None,
    truncation_mean: Mean = "all",
    noise_mode: NoiseMode = "const",
    device: str | torch.device | None = None,
    trust_local_plugins: bool = False,
) -> Samples:
    """Images of `model`, as `gancore sample` makes them. Image i of a seed does not depend on the count.

    model: a run folder, a model file, or a generator.
    count: of the first images of `seed`; default 64, or 8 in a row of several looks.
    seeds: image 0 of each of them, instead. latents: a file of z or ws, instead.
    label: a class by number or name, or several of them, a row each; default: all classes in turn.
    truncation_psi: one or several, a row each. truncation_cutoff: how many ws are truncated, from the coarsest on.
    truncation_mean: "all" or "class", the mean that truncation pulls to.
    noise_mode: "const", "random" (that of the seed) or "none".
    device: default cuda, mps or cpu, the first that is available; a generator stays where it is.
    trust_local_plugins: whether plugin files that a run folder or a model brings along may be executed.

    Raises GancoreError (RunError, ConfigError) if there is no such model, class or truncation.
    """
    if sum(given is not None for given in (seeds, latents, count)) > 1:
        raise GancoreError("count, seeds and latents exclude each other")
    generator = model if isinstance(model, Generator) else load(model, trust_local_plugins).to(pick_device(device))
    labels = [label] if isinstance(label, int | str) else label or []
    psis = [truncation_psi] if isinstance(truncation_psi, int | float) else truncation_psi
    looks = looks_of(generator, labels, psis)
    start = start_of(generator, len(looks), count, seed, seeds, None if latents is None else Path(latents))
    made = batches(generator, start, looks, Making(truncation_cutoff, truncation_mean, noise_mode))
    return Samples(torch.cat(list(made)), start.names, looks, generator.interface)


def looks_of(generator: Generator, labels: Sequence[int | str], psis: Sequence[float]) -> list[Look]:
    """A look for each label with each psi. Raises GancoreError if there is no such class."""
    numbers = dict.fromkeys(label_number(str(label), generator) for label in labels) or [None]
    names = dict(enumerate(generator.class_names))
    return [Look(n, psi, "" if n is None else names.get(n, "")) for n, psi in product(numbers, dict.fromkeys(psis))]


def start_of(
    generator: Generator, looks: int, count: int | None, seed: int, seeds: Sequence[int] | None, latents: Path | None
) -> Start:
    """The latents of a file, of several seeds, or the first `count` of one. Raises CheckpointError."""
    if latents is not None:
        return of_file(generator, latents, seed)
    if seeds is not None:
        return of_seeds(generator, seeds)
    return of_seed(generator, seed, count or (COUNT if looks == 1 else COUNT_IN_ROW))


def batches(generator: Generator, start: Start, looks: Sequence[Look], making: Making) -> Iterator[Tensor]:
    """All images, with a progress bar: those of the first look first."""
    made = (batch for look in looks for batch in making.images(generator, start, look))
    return shown(made, "images", len(start) * len(looks), len)
