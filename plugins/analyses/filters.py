"""Filters: what units of the discriminator respond to, by guided backpropagation, trained beside random.

Source: arXiv:1511.06434 section 6.2 and figure 5; guided backpropagation is arXiv:1412.6806 section 3.4: on its way
back through a layer, the gradient is kept where both it and the activation are positive. Units are those whose
strongest responses stand out most over images. The random network has the same weights, shuffled within each tensor.
"""

import copy
from collections.abc import Iterable
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from gancore.analysis import tapped
from gancore.contracts import Analysis, Discriminator, Grid, Picture, PluginConfig, Result, Subject, Value

GRADIENTS = 0.999
"""Quantile of the absolute gradient that is drawn as the largest."""


class Filters(Analysis):
    """Plugin `filters`: images with the strongest responses of units, and what in them the units respond to."""

    count: ClassVar[int] = 64
    requires = {"run:discriminator": "it looks at the discriminator's units"}  # noqa: RUF012

    class Config(PluginConfig):
        layer: str | None = Field(None, description="layer of the discriminator; default: the first at 8x8 or below")
        units: int = Field(6, ge=1, le=64, description="units in the figure")

    cfg: Config

    @property
    def protocol(self) -> str:
        return (
            "response: largest activation of a unit in an image; selectivity: mean over the shown units of the largest "
            "response over the mean one; real images where there are some, else samples"
        )

    def misfits(self, subject: Subject) -> Iterable[str]:
        names = [layer.name for layer in subject.layers("discriminator")]
        if not names:
            yield "no layer of this discriminator has feature maps"
        elif self.cfg.layer not in (None, *names):
            yield f"no layer {self.cfg.layer!r}; there are {', '.join(names)}"

    def analyze(self, subject: Subject) -> Result:
        layers = subject.layers("discriminator")
        name = self.cfg.layer or next((x.name for x in layers if x.resolution <= 8), layers[-1].name)
        names = [layer.name for layer in layers]
        real = "images" in subject.provided["dataset"]
        samples = (subject.generator.sample(draw, label) for draw, label in subject.draws())
        images = subject.reals(subject.count) if real else torch.cat(list(samples))
        trained = subject.discriminator()
        found = {"trained": trained, "random": shuffled(trained, subject.seed)}
        tiles, rows, numbers = [], [], {}
        for kind, network in found.items():
            response = responses(subject, network, name, images)  # [N, C]
            ratio = response.amax(dim=0) / response.abs().mean(dim=0).clamp_min(1e-12)
            units = ratio.argsort(descending=True)[: self.cfg.units]
            numbers["selectivity" if kind == "trained" else "selectivity_random"] = Value(float(ratio[units].mean()))
            best = [int(response[:, unit].argmax()) for unit in units]
            guided = [
                guided_gradient(subject, network, name, names, images[i : i + 1], int(u))
                for i, u in zip(best, units, strict=True)
            ]
            tiles += [
                [Picture(images[i], f"unit {int(u)}") for i, u in zip(best, units, strict=True)],
                [Picture(_shown(g)) for g in guided],
            ]
            rows += [kind, "responds to"]
        caption = "Strongest image of each unit, and its guided gradient, scaled; random: the same weights, shuffled."
        grid = Grid("units", f"What units of {name} respond to", tiles, rows, caption=caption)
        return Result(numbers, [grid], {"layer": name})


def responses(subject: Subject, network: Discriminator, name: str, images: Tensor) -> Tensor:
    """The largest activation [N, C] of every unit of a layer."""
    found = []
    for piece in images.split(16):
        with tapped(network, [name]) as seen:
            _judge(subject, network, piece)
        found.append(seen[name].float().amax(dim=(2, 3)))
    return torch.cat(found)


def guided_gradient(
    subject: Subject, network: Discriminator, name: str, names: list[str], image: Tensor, unit: int
) -> Tensor:
    """The guided gradient [C, R, R] of a unit's largest activation with respect to an image [1, C, R, R]."""

    def guide(x: Tensor) -> Tensor:
        if x.requires_grad:
            x.register_hook(lambda g: g.clamp_min(0) * (x > 0))
        return x

    with torch.enable_grad():
        image = image.detach().clone().requires_grad_(True)
        with tapped(network, [name], {other: guide for other in names if other != name}) as seen:
            _judge(subject, network, image)
        (gradient,) = torch.autograd.grad(seen[name][:, unit].amax(), image)
    return gradient[0]


def shuffled(network: Discriminator, seed: int) -> Discriminator:
    """A copy whose weights were shuffled within each tensor."""
    other = copy.deepcopy(network)
    numbers = torch.Generator().manual_seed(seed)
    for p in nn.Module.parameters(other):
        p.data = p.data.flatten()[torch.randperm(p.numel(), generator=numbers).to(p.device)].view_as(p.data)
    return other


def _judge(subject: Subject, network: Discriminator, images: Tensor) -> None:
    generator = subject.generator
    label = subject.latents(len(images))[1]
    network(generator.reals(images, generator.stage), label, generator.stage)


def _shown(gradient: Tensor) -> Tensor:
    """A gradient in the range of an image, 0 in the middle."""
    return gradient / torch.quantile(gradient.abs().flatten(), GRADIENTS).clamp_min(1e-24)
