"""Projection: the w and the noise that a generator makes an image of.

Source: arXiv:1912.04958 section 5 and appendix D, with the constants of the published code: from the mean w, Adam on w
and on all noise maps; a rate that rises and falls; noise on w whose strength falls with the square of what is left of
its ramp; a penalty on noise that is not white, at every scale down to 8x8; noise maps brought back to mean 0 and
variance 1 after every step. Golden p08 agrees.
Differs: images are compared by any differentiable distance, at 256x256 at most. In w+ every slot moves on its own
(arXiv:1904.03189).
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from gancore.analysis.noise import noise_maps
from gancore.analysis.painting import paint_with
from gancore.contracts import Generator, Subject
from gancore.options import PluginConfig

LARGEST = 256
COARSEST = 8

Distance = Callable[[Tensor, Tensor], Tensor]
"""Of images [N, C, H, W], nominal range [-1, 1], to [N], differentiable."""


class ProjectionOptions(PluginConfig):
    """How an image is projected; the defaults are the published ones."""

    steps: int = Field(1000, ge=1, le=1_000_000, json_schema_extra={"small": 3}, description="steps of the optimizer")
    space: Literal["w", "w+"] = Field("w", description="one w for all slots, or one for each")
    lr: float = Field(0.1, gt=0, description="largest learning rate")
    ramp_up: float = Field(0.05, gt=0, le=1, description="share of the steps in which the rate rises")
    ramp_down: float = Field(0.25, gt=0, le=1, description="share of the steps in which it falls")
    w_noise: float = Field(0.05, ge=0, description="strength of the noise on w at first, in deviations of w")
    w_noise_ramp: float = Field(0.75, gt=0, le=1, description="share of the steps until it is gone")
    noise_weight: float = Field(1e5, ge=0, description="weight of the penalty on noise that is not white")

    def rate(self, step: int) -> float:
        """The learning rate at a step, from 0."""
        t = step / self.steps
        down = 0.5 - 0.5 * math.cos(math.pi * min(1.0, (1.0 - t) / self.ramp_down))
        return self.lr * down * min(1.0, t / self.ramp_up)

    def w_noise_at(self, step: int, deviation: float) -> float:
        """Deviation of the noise on w at a step."""
        left = max(0.0, 1.0 - step / self.steps / self.w_noise_ramp)
        return deviation * self.w_noise * left**2


class TargetsOptions(ProjectionOptions):
    """How an analysis projects several images."""

    statistics: int = Field(
        2000,
        ge=2,
        le=1_000_000,
        json_schema_extra={"small": 8},
        description="samples of w for its mean and deviation",
    )


@dataclass(frozen=True)
class Start:
    """Where a projection begins. mean: w [num_ws, w_dim]; deviation: one number for all of w, as published.

    noise: maps by their name in the synthesis network; w_noise: normal numbers [1 or num_ws, w_dim] of a step.
    """

    mean: Tensor
    deviation: float
    noise: Mapping[str, Tensor]
    w_noise: Callable[[int], Tensor]


@dataclass(frozen=True)
class Projected:
    """After a step: ws [num_ws, w_dim], the noise maps, the image [C, R, R] that the step saw, and its distance."""

    step: int
    ws: Tensor
    noise: Mapping[str, Tensor]
    image: Tensor
    distance: Tensor


@dataclass(frozen=True)
class Recovered:
    """What a projection found in the end: its last step, and the image [C, R, R] without noise on w.

    distances: what every step saw; distance: that of `image` from the target; frames: images of the way, on the CPU.
    """

    last: Projected
    image: Tensor
    distances: Sequence[float]
    distance: float
    frames: Sequence[Tensor]


def start_of(generator: Generator, ws: Tensor, seed: int) -> Start:
    """A start from samples ws [N, num_ws, w_dim], with noise of a seed."""
    mean = ws.mean(dim=0)
    deviation = float((ws[:, 0] - mean[0]).double().square().sum(dim=1).mean().sqrt())
    numbers = torch.Generator().manual_seed(seed)
    noise = {k: torch.randn(v.shape, generator=numbers).to(v) for k, v in noise_maps(generator).items()}

    def w_noise(step: int) -> Tensor:
        own = torch.Generator().manual_seed(seed * 1_000_003 + step)
        return torch.randn(mean.shape, generator=own).to(mean)

    return Start(mean, deviation, noise, w_noise)


def project(
    generator: Generator, target: Tensor, distance: Distance, start: Start, options: ProjectionOptions
) -> Iterator[Projected]:
    """Every step towards a target [C, R, R], nominal range [-1, 1]. The generator is left unchanged."""
    with torch.enable_grad():
        w = start.mean.detach()[: 1 if options.space == "w" else None].clone().requires_grad_(True)
        noise = {name: value.detach().clone().requires_grad_(True) for name, value in start.noise.items()}
        optimizer = torch.optim.Adam([w, *noise.values()], lr=options.lr, betas=(0.9, 0.999))
    wanted = shrunk(target[None])
    for step in range(options.steps):
        optimizer.param_groups[0]["lr"] = options.rate(step)
        shaken = start.w_noise(step)[: len(w)] * options.w_noise_at(step, start.deviation)
        with torch.enable_grad():
            ws = (w + shaken).expand(generator.num_ws, -1)[None]
            image = paint_with(generator, ws, noise)
            apart = distance(shrunk(image), wanted)[0]
            loss = apart + options.noise_weight * roughness(list(noise.values()))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
        optimizer.step()
        before = {name: value.detach().clone() for name, value in noise.items()}
        with torch.no_grad():
            for value in noise.values():
                normalize(value)
        yield Projected(
            step, w.detach().expand(generator.num_ws, -1).clone(), before, image[0].detach(), apart.detach()
        )


def towards(subject: Subject, target: Tensor, start: Start, options: ProjectionOptions) -> Iterator[Projected]:
    """`project` by the subject's distance. The target [C, R, R] passes its network once."""
    to_target = subject.distances_to(shrunk(target[None]))
    return project(subject.generator, target, lambda image, _: to_target(image), start, options)


def recover(subject: Subject, target: Tensor, start: Start, options: ProjectionOptions, frames: int = 0) -> Recovered:
    """Projects a target [C, R, R], nominal range [-1, 1], and keeps about so many images of the way."""
    distances, kept = [], []
    for found in subject.shown(towards(subject, target, start, options), options.steps, "steps"):
        distances.append(found.distance)
        if frames and found.step % max(options.steps // frames, 1) == 0:
            kept.append(found.image.cpu())
    image = repainted(subject.generator, found)
    end = float(subject.distance(image[None], target[None])[0])
    return Recovered(found, image, torch.stack(distances).tolist(), end, kept)


def roughness(maps: Sequence[Tensor]) -> Tensor | float:
    """How far noise maps [H, W] are from white: squared correlations with their neighbours, at every scale."""
    total: Tensor | float = 0.0
    for noise in maps:
        scaled = noise[None, None]
        while True:
            total = total + sum((scaled * scaled.roll(1, dims=axis)).mean().square() for axis in (3, 2))
            if scaled.shape[2] <= COARSEST:
                break
            scaled = F.avg_pool2d(scaled, 2)
    return total


def normalize(noise: Tensor) -> None:
    """Brings a noise map to mean 0 and root mean square 1, in place."""
    noise.sub_(noise.mean())
    noise.mul_(noise.square().mean().rsqrt())


def shrunk(images: Tensor) -> Tensor:
    """[N, C, H, W] averaged over areas to 256x256 at most."""
    return F.interpolate(images, size=(LARGEST, LARGEST), mode="area") if images.shape[2] > LARGEST else images


def repainted(generator: Generator, found: Projected) -> Tensor:
    """The image [C, R, R] of what a projection found, without noise on w."""
    return paint_with(generator, found.ws[None], found.noise)[0]
