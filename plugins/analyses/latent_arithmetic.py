"""Latent arithmetic: a - b + c, of latents that are averages of several samples.

Source: arXiv:1511.06434 section 6.3.2, figure 7: each concept is the mean z of three samples, since single ones are
unstable; around the result, samples with uniform noise of +-0.25 added. Here in w as well, without the neighbours.
Differs: the samples of a concept are named by their numbers (see `gancore sample --seed`), or, for a model with
classes, by class. The residual is ours: how far the image of a - b + c is from the images' own a - b + c, as a share of
that one's deviation; 0 for a linear generator.
"""

from collections.abc import Iterable
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from gancore.analysis import paint
from gancore.contracts import Analysis, Grid, Picture, PluginConfig, Result, Subject, Value

NEIGHBOURS = 3
Number = Annotated[int, Field(ge=0, le=1_000_000)]


class LatentArithmetic(Analysis):
    """Plugin `latent_arithmetic`: averaged concepts added and subtracted, in z and in w."""

    count: ClassVar[int] = 9

    class Config(PluginConfig):
        a: tuple[Number, ...] = Field((0, 1, 2), strict=False, min_length=1, description="samples of the first concept")
        b: tuple[Number, ...] = Field((3, 4, 5), strict=False, min_length=1, description="of the one subtracted")
        c: tuple[Number, ...] = Field((6, 7, 8), strict=False, min_length=1, description="of the one added")
        near: float = Field(0.25, ge=0, le=10, description="half width of the uniform noise of the neighbours in z")

    cfg: Config

    @property
    def protocol(self) -> str:
        return (
            f"concepts: means of samples {self.cfg.a}, {self.cfg.b}, {self.cfg.c}; residual: rms of G(a - b + c) - "
            "(G(a) - G(b) + G(c)) over the std of the latter; one label, noise const, no truncation"
        )

    def misfits(self, subject: Subject) -> Iterable[str]:
        most = max(*self.cfg.a, *self.cfg.b, *self.cfg.c)
        if most >= 10_000:
            yield f"sample {most}: numbers of samples go to 9999"

    def analyze(self, subject: Subject) -> Result:
        generator = subject.generator
        numbers = [self.cfg.a, self.cfg.b, self.cfg.c]
        z, label = subject.latents(max(map(max, numbers)) + 1)
        one = None if label is None else label[:1]
        concepts = torch.stack([z[list(which)].mean(dim=0) for which in numbers])
        every = None if one is None else one.expand(len(z), -1)
        spaces = {"z": generator.mapping(_result(concepts), _rows(one, 4))}
        if "ws" in generator.provides:
            ws = generator.mapping(z, every)
            spaces["w"] = _result(torch.stack([ws[list(which)].mean(dim=0) for which in numbers]))
        found, tiles = {}, []
        for space, latents in spaces.items():
            images = paint(generator, latents)  # of a, b, c and the result
            wanted = images[0] - images[1] + images[2]
            apart = (images[3] - wanted).square().mean().sqrt() / wanted.std(correction=0).clamp_min(1e-12)
            found[f"residual_{space}"] = Value(float(apart))
            tiles.append([Picture(image) for image in images])
        draw, _ = next(subject.draws(NEIGHBOURS))
        around = _result(concepts)[3:] + (draw.uniform("near", (z.shape[1],)) * 2 - 1) * self.cfg.near
        near = paint(generator, generator.mapping(around, _rows(one, NEIGHBOURS)))
        tiles[0] += [Picture(image) for image in near]
        columns = ["a", "b", "c", "a - b + c", *["neighbour"] * NEIGHBOURS]
        caption = f"Each concept is a mean of samples; neighbours: noise of +-{self.cfg.near:g} on z."
        grid = Grid("grid", "Latent arithmetic", tiles, [f"in {space}" for space in spaces], columns, caption=caption)
        return Result(found, [grid])


def _result(concepts: Tensor) -> Tensor:
    """a, b, c [3, ...] with a - b + c behind them, [4, ...]."""
    a, b, c = concepts
    return torch.cat([concepts, (a - b + c)[None]])


def _rows(label: Tensor | None, n: int) -> Tensor | None:
    return None if label is None else label.expand(n, -1)
