"""Grids of images: the averaged generator's samples from fixed latents, and the real images beside them."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from gancore.artifacts.pictures import save_picture, tiled
from gancore.contracts import Generator, NoiseMode
from gancore.data import ImageData
from gancore.errors import GancoreError, did_you_mean
from gancore.evaluation.draws import SampleDraw
from gancore.evaluation.pictures import to_uint8
from gancore.training.step.draws import SeededDraw, data_order

GRID_PIXELS = 512
"""Target width of a grid, in pixels."""


def grid_side(resolution: int) -> int:
    """Images along a side of a square grid: at most 10, at least 2."""
    return min(max(GRID_PIXELS // resolution, 2), 10)


@torch.no_grad()
def generate(
    generator: Generator,
    count: int,
    seed: int,
    label: int | None = None,
    truncation_psi: float = 1.0,
    truncation_cutoff: int | None = None,
    noise_mode: NoiseMode = "const",
    batch: int = 16,
) -> Tensor:
    """The first `count` images of a seed, [count, C, R, R] on the CPU, of one label or of all in turn.

    Labels are the classes, or the examples of vectors that the model file has (`Generator.numbered_labels`).

    Image i is a function of the seed and i: neither `count` nor `batch` changes it, beyond rounding.
    Truncation is that of `Generator.forward`. Images of a generator that is still growing are enlarged to the final
    size.
    Raises GancoreError when the class does not exist, or the generator cannot truncate in this way.
    """
    device = next(generator.parameters()).device
    check_label(label, generator)
    z, images = latents(generator, count, seed, device), []
    for start in range(0, count, batch):
        indices = range(start, min(start + batch, count))
        labels = generator.numbered_labels(indices if label is None else [label] * len(indices))
        try:
            image = generator(
                z[start : indices.stop],
                None if labels is None else labels.to(device),
                truncation_psi,
                truncation_cutoff,
                noise_mode,
                SampleDraw(seed, indices, device),
            )
        except ValueError as error:  # the contract's error for unsuitable arguments
            raise GancoreError(str(error)) from error
        images.append(generator.enlarged(image).cpu())
    return torch.cat(images)


def latents(generator: Generator, count: int, seed: int, device: torch.device) -> Tensor:
    """The first `count` latents [count, z_dim] of the endless sequence of a seed.

    They come from one stream of random numbers. torch makes normal ones in blocks of 16, so whole blocks at the start
    do not depend on the number of blocks.
    """
    blocks = -(-count // 16)
    return generator.sample_z(SeededDraw.whole((seed, "samples"), 16 * blocks, device))[:count]


def label_number(label: str, generator: Generator) -> int:
    """The number of a label: of a class by its name, or else a number as text. Raises GancoreError."""
    if label in generator.class_names:
        return generator.class_names.index(label)
    if label.isdecimal() and len(label) < 19:
        check_label(int(label), generator)
        return int(label)
    known = (
        did_you_mean(label, generator.class_names) if generator.class_names else "this model has no names of classes"
    )
    raise GancoreError(f"label {label}: {known}")


def check_label(label: int | None, generator: Generator) -> None:
    """Raises GancoreError if a model does not have the label of this number."""
    count = generator.label_count
    if label is not None and label >= count:
        what = "classes" if generator.examples is None else "examples of labels"
        have = f"{what} 0 to {count - 1}" if count else "no classes"
        raise GancoreError(f"label {label}: this model has {have}")


def real_images(data: ImageData, count: int, seed: int) -> Tensor:
    """`count` training images [count, C, R, R], the first of the shuffled stream."""
    return data.batch(data_order(seed, len(data), 0, count), None, torch.device("cpu"))


def save_grid(path: Path, images: Tensor, labels: Sequence[str] = ()) -> None:
    """Writes images [N, C, R, R], nominal range [-1, 1], as one PNG of rows and columns.

    labels: names of the images' classes in turn, which the file keeps as the text `classes`.
    """
    save_picture(path, tiled(to_uint8(images)), text={"classes": ", ".join(labels)} if labels else None)
