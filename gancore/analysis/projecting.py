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
from gancore.contracts import Film, Generator
from gancore.data.decode import Form, decode
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
    interface = generator.interface
    form = Form(interface.resolution, interface.channels, fit, "lanczos")
    targets = [_target(path, form) for path in images]
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


def _target(path: Path, form: Form) -> Tensor:
    """An image file as [C, R, R], nominal range [-1, 1]."""
    try:
        pixels = decode(read_bytes(path), form)
    except FileNotFoundError:
        raise DataError(f"{path}: no such image") from None
    except Rejected as error:
        raise DataError(f"{path}: {error}") from error
    return torch.from_numpy(pixels).float() / 127.5 - 1


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
