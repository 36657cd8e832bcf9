"""Projection of image files: what `gancore project` writes."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

from gancore.analysis.figures.film import save_film
from gancore.analysis.figures.grid import as_pixels
from gancore.analysis.projection import ProjectionOptions, Recovered, recover, start_of
from gancore.analysis.run import first_available
from gancore.analysis.samples import sampled_ws
from gancore.analysis.subject import ModelSubject, Sources
from gancore.artifacts.atomic import written
from gancore.artifacts.reading import read_bytes
from gancore.contracts import Film, Generator, Interface
from gancore.data.decode import Form, decode, pillow_warnings
from gancore.data.rejected import Rejected
from gancore.errors import DataError

FRAMES, STATISTICS = 60, 10_000


def project_files(
    generator: Generator,
    images: Sequence[Path],
    out: Path,
    steps: int,
    space: Literal["w", "w+"],
    features: Sequence[str],
    fit: str,
    seed: int,
) -> Iterator[tuple[list[Path], str]]:
    """For each image the written files, and a line of output.

    Raises DataError for an image that cannot be read, before anything is computed; GancoreError without features.
    """
    targets = [_target(path, generator.interface, fit) for path in images]
    device = next(generator.parameters()).device
    extractor = first_available(features, device)
    subject = ModelSubject(Sources(generator), STATISTICS, seed, device, extractor)
    options = ProjectionOptions(steps=steps, space=space)
    with torch.no_grad():
        start = start_of(generator, sampled_ws(subject), seed)
    out.mkdir(parents=True, exist_ok=True)
    for path, target in zip(images, targets, strict=True):
        found = recover(subject, target.to(device), start, options, FRAMES)
        line = f"{subject.looked_through} distance {found.distances[0]:.4g} -> {found.distances[-1]:.4g}"
        yield _write(out / path.stem, found), f"{path}: {line}"


def as_target(content: bytes, interface: Interface, fit: str = "crop") -> Tensor:
    """An image file as [C, R, R], nominal range [-1, 1]. Raises DataError if it is damaged, or has too many pixels."""
    form = Form(interface.resolution, interface.channels, fit, "lanczos")
    try:
        with pillow_warnings():
            pixels = decode(content, form)
    except Rejected as error:
        raise DataError(str(error)) from error
    return torch.from_numpy(pixels).float() / 127.5 - 1


def _target(path: Path, interface: Interface, fit: str) -> Tensor:
    try:
        return as_target(read_bytes(path), interface, fit)
    except FileNotFoundError:
        raise DataError(f"{path}: no such image") from None
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def _write(stem: Path, found: Recovered) -> list[Path]:
    paths = [stem.with_name(stem.name + suffix) for suffix in (".safetensors", ".png", ".gif")]
    tensors = {"ws": found.last.ws[None], **{f"noise/{name}": noise for name, noise in found.last.noise.items()}}
    with written(paths[0]) as temporary:
        save_file({name: tensor.cpu().contiguous() for name, tensor in tensors.items()}, temporary)
    pixels = as_pixels(found.image)
    with written(paths[1]) as temporary:
        Image.fromarray(pixels.squeeze(-1) if pixels.shape[2] == 1 else pixels).save(temporary, "PNG")
    save_film(paths[2], Film("film", "", torch.stack(list(found.frames))))
    return paths
