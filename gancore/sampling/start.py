"""Sources of images: the latents of one seed, the first ones of several seeds, or latents of a file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from gancore.contracts import Generator
from gancore.errors import CheckpointError
from gancore.interop.reading import Foreign, read, telling
from gancore.interop.values import Array
from gancore.training.samples import latents

MOST = 1_000_000
"""Most images of one command."""

WS = ("ws", "w")
"""Names of ws in a file; `w` is that of published projectors."""


@dataclass(frozen=True)
class Start:
    """The latents of N images, on the CPU.

    images: seed and index of each, which determine its random noise and its class.
    names: one for each, for file names. z: [N, z_dim]; or ws: [N, num_ws, w_dim].
    label: [N, label_dim], if they came with the latents.
    """

    images: Sequence[tuple[int, int]]
    names: Sequence[str]
    z: Tensor | None = None
    ws: Tensor | None = None
    label: Tensor | None = None

    def __len__(self) -> int:
        return len(self.images)


def of_seed(generator: Generator, seed: int, count: int) -> Start:
    """The first `count` images of a seed, named 000000, 000001, ..."""
    images = [(seed, i) for i in range(count)]
    return Start(images, [f"{i:06}" for i in range(count)], latents(generator, count, seed, torch.device("cpu")))


def of_seeds(generator: Generator, seeds: Sequence[int]) -> Start:
    """Image 0 of each seed, named seed0000, seed0777, ..."""
    z = torch.cat([latents(generator, 1, seed, torch.device("cpu")) for seed in seeds])
    return Start([(seed, 0) for seed in seeds], [f"seed{seed:04}" for seed in seeds], z)


def of_file(generator: Generator, path: Path, seed: int) -> Start:
    """Latents of a .npy, .npz, .safetensors or torch file: z [N, z_dim], or ws [N, num_ws, w_dim] (also named w).

    A single array is one or the other by its dimensions. Labels may accompany them, under the name label:
    [N, label_dim], or [N] numbers of classes. `seed` is that of random noise. Raises CheckpointError.
    """
    file = read(path)
    with telling(path, f"{file.container} that"):
        found = _named(file)
        names = [name for name in ("z", *WS) if name in found]
        if len(names) != 1:
            raise CheckpointError(
                f"should hold one array of z [N, {generator.z_dim}] or of ws [N, {generator.num_ws}, "
                f"{generator.w_dim}], and holds {', '.join(sorted(found)[:8]) or 'no arrays'}"
            )
        x = found[names[0]].tensor(torch.float32)
        want = (generator.z_dim,) if names[0] == "z" else (generator.num_ws, generator.w_dim)
        if tuple(x.shape[1:]) != want or not 1 <= len(x) <= MOST:
            raise CheckpointError(f"has {names[0]} {list(x.shape)}, where [N, {', '.join(map(str, want))}] is expected")
        if not bool(x.isfinite().all()):
            raise CheckpointError(f"has numbers in {names[0]} that are not finite")
        label = (
            _labels(found["label"].tensor(torch.float32), len(x), generator.interface.label_dim)
            if "label" in found
            else None
        )
    numbers = range(len(x))
    images, words = [(seed, i) for i in numbers], [f"{i:06}" for i in numbers]
    return Start(images, words, x, None, label) if names[0] == "z" else Start(images, words, None, x, label)


def _named(file: Foreign) -> Mapping[str, Array]:
    """The arrays by name; a single one is z or ws by its dimensions."""
    found = file.arrays
    if len(found) == 1:
        (array,) = found.values()
        return {"ws" if len(array.shape) == 3 else "z": array}
    return found


def _labels(label: Tensor, n: int, label_dim: int) -> Tensor:
    """Rows [n, label_dim]. Raises CheckpointError."""
    if label.ndim == 1 and label_dim and len(label) == n and bool(((label >= 0) & (label < label_dim)).all()):
        return functional.one_hot(label.long(), label_dim).float()
    if tuple(label.shape) != (n, label_dim):
        have = f"[{n}, {label_dim}] or {n} numbers from 0 to {label_dim - 1}" if label_dim else "none, without classes"
        raise CheckpointError(f"has a label {list(label.shape)}, and this model takes {have}")
    return label
