"""Perceptual path length: how far apart, to a perceptual distance, images are whose latents are epsilon apart.

    mean of d(G(lerp(w0, w1, t)), G(lerp(w0, w1, t + epsilon))) / epsilon^2, percentiles 1 to 99

Source: arXiv:1812.04948 section 4.1; arXiv:1912.04958 for the end points without a crop, which its tables report; the
constants are those of the published code. Both images of a pair get the same noise; noise, latents and t are a function
of the pair alone, so neither batch nor order matters. Everything is float32, images are not quantised.
What torch-fidelity calls path length is another protocol (Z, quantised images at 64x64, noise not shared).
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from gancore.contracts import Draw, Generator, Measurement, Metric, PluginConfig, Value
from gancore.errors import GancoreError

LARGEST = 256
"""Images are averaged over boxes down to this height."""


class _PathLength(Metric):
    """The measurement; protocols differ in the path and the part of the image."""

    needs = "distance"
    standard = "lpips"
    name: ClassVar[str]
    space: ClassVar[Literal["z", "w"]] = "w"
    sampling: ClassVar[Literal["end", "full"]] = "end"
    crop: ClassVar[bool] = True

    class Config(PluginConfig):
        epsilon: float = Field(1e-4, gt=0, lt=1, description="distance of the two latents")

    @property
    def protocol(self) -> str:
        where = "end points" if self.sampling == "end" else "anywhere on the way"
        crop = "centre of faces" if self.crop else "no crop"
        return f"{self.space.upper()}, {where}, {crop}, epsilon {self.cfg.epsilon:g}, float32, percentiles 1 to 99"

    def measure(self, images: Measurement) -> dict[str, Value]:
        generator = images.generator()
        walk = Walk(self.space, self.sampling, self.crop, self.cfg.epsilon)
        lengths = images.of_draws(lambda draw, label: walk.lengths(generator, images, draw, label))
        return {self.name: Value(trimmed_mean(lengths))}


class PPL2WEnd(_PathLength):
    """Plugin `ppl2_wend`: W, end points, whole images; what the StyleGAN2 tables call path length."""

    name, crop = "ppl2_wend", False


class PPLWEnd(_PathLength):
    """Plugin `ppl_wend`: W, end points, centre of faces."""

    name = "ppl_wend"


class PPLWFull(_PathLength):
    """Plugin `ppl_wfull`: W, anywhere on the way, centre of faces."""

    name, sampling = "ppl_wfull", "full"


class PPLZFull(_PathLength):
    """Plugin `ppl_zfull`: Z, anywhere on the way, centre of faces."""

    name, space, sampling = "ppl_zfull", "z", "full"


class PPLZEnd(_PathLength):
    """Plugin `ppl_zend`: Z, end points, centre of faces."""

    name, space = "ppl_zend", "z"


@dataclass(frozen=True)
class Walk:
    """Two points epsilon apart between two latents, and their images."""

    space: Literal["z", "w"]
    sampling: Literal["end", "full"]
    crop: bool
    epsilon: float

    @torch.no_grad()
    def lengths(self, generator: Generator, extractor: Any, draw: Draw, label: Tensor | None) -> Tensor:
        """Distance of each pair of a batch over epsilon squared, [N]; `extractor.distance` takes images of 0 to 255."""
        z0, z1 = (generator.sample_z(draw.scoped(end)) for end in ("z0", "z1"))
        t = draw.uniform("t") * (self.sampling == "full")
        steps = [t.to(z0.dtype), t.to(z0.dtype) + self.epsilon]
        if self.space == "w":
            w0, w1 = generator.mapping(z0, label), generator.mapping(z1, label)
            walked = [torch.lerp(w0, w1, step[:, None, None]) for step in steps]
        else:
            walked = [generator.mapping(slerp(z0, z1, step[:, None]), label) for step in steps]
        painted = (generator.synthesis(ws, noise_mode="random", stage=generator.stage, draw=draw)[-1] for ws in walked)
        a, b = (self.seen(generator.enlarged(images)) for images in painted)
        return extractor.distance(a, b) / self.epsilon**2

    def seen(self, images: Tensor) -> Tensor:
        """Nominal [-1, 1] to [0, 255], cropped, at most 256 pixels high."""
        if self.crop:
            c = images.shape[2] // 8
            images = images[:, :, c * 3 : c * 7, c * 2 : c * 6]
        factor = images.shape[2] // LARGEST
        images = F.avg_pool2d(images, factor) if factor > 1 else images
        return (images + 1) * 127.5


def slerp(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """On the unit sphere from a [N, D] to b [N, D] by t [N, 1]; both are normalised first."""
    a, b = F.normalize(a, dim=1), F.normalize(b, dim=1)
    cosine = (a * b).sum(dim=1, keepdim=True)
    angle = t * torch.acos(cosine)
    across = F.normalize(b - cosine * a, dim=1)
    return F.normalize(a * torch.cos(angle) + across * torch.sin(angle), dim=1)


def trimmed_mean(lengths: Tensor) -> float:
    """Mean of the values from percentile 1, rounded down to a sample, to 99, rounded up, inclusive."""
    if not lengths.isfinite().all():
        raise GancoreError("path length: the generator returns numbers that are not finite")
    values = lengths.double().numpy()
    low, high = np.percentile(values, 1, method="lower"), np.percentile(values, 99, method="higher")
    return float(values[(values >= low) & (values <= high)].mean())
