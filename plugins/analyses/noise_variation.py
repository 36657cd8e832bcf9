"""Noise variation: what changes when w stays and the noise is drawn again.

Source: arXiv:1812.04948 section 3.2, figures 4 and 5: deviation of pixels over 100 draws; noise on all layers, none,
the fine ones, the coarse ones. arXiv:2103.01090 claim 1, figure 5: the place of the artifact moves with the noise.
Differs: how far the peak of a layer's magnitude moves is a number, the mean distance of its places from their mean. The
fine layers are those from sqrt(4 R) on: at 1024x1024 from 64x64, as in the published code.
"""

from collections.abc import Iterable
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from gancore.analysis import Muted, averaged, batches, magnitude, paint, peak_place, ws_of
from gancore.contracts import (
    Analysis,
    ColourScale,
    Draw,
    Grid,
    HeatMap,
    Picture,
    PluginConfig,
    Result,
    Subject,
)


class NoiseVariation(Analysis):
    """Plugin `noise_variation`: deviation over draws of the noise, movement of peaks, coarse against fine noise."""

    count: ClassVar[int] = 8

    class Config(PluginConfig):
        draws: int = Field(
            24, ge=2, le=10_000, json_schema_extra={"small": 3}, description="draws of the noise for each w"
        )
        shown: int = Field(4, ge=1, le=16, description="samples in the figure")

    cfg: Config

    @property
    def protocol(self) -> str:
        return (
            f"{self.cfg.draws} draws of the noise at each w, no truncation; deviation: of the mean over channels of "
            "the image; movement: mean distance of the peak's places from their mean, over the side"
        )

    def misfits(self, subject: Subject) -> Iterable[str]:
        draw, label = next(subject.draws(2))
        generator = subject.generator
        ws = ws_of(generator, draw, label)
        first, again = (
            generator.synthesis(ws, noise_mode="random", stage=generator.stage, draw=one)[-1]
            for one in (draw.scoped("first"), draw.scoped("again"))
        )
        if torch.equal(first, again):
            yield "its images do not change with the noise (it takes none, or its strengths are all 0)"

    def analyze(self, subject: Subject) -> Result:
        generator = subject.generator
        layers = [layer for layer in subject.layers() if not layer.image and layer.resolution >= 8]
        deviations, movements = [], []
        rows: list[list[Picture | HeatMap]] = []
        for draw, label in batches(subject):
            ws = ws_of(generator, draw, label)
            grays, places = [], []
            with subject.tap(layer.name for layer in layers) as seen:
                for k in range(self.cfg.draws):
                    grays.append(_image(subject, ws, draw.scoped(f"noise {k}")).mean(dim=1))
                    at = [(peak_place(magnitude(seen[layer.name])) + 0.5) / layer.resolution for layer in layers]
                    places.append(torch.stack(at) if at else ws.new_zeros(0, ws.shape[0], 2))
            deviations.append(torch.stack(grays).std(dim=0, correction=0))
            movements.append(_movement(torch.stack(places)))
            if len(rows) < self.cfg.shown:
                rows += self.row(subject, ws, draw, deviations[-1])
        deviation, movement = torch.cat(deviations), torch.cat(movements, dim=1)  # [N, R, R], [layers, N]
        each = deviation.mean(dim=(1, 2))
        numbers = {"deviation": averaged(each)}
        for layer, moved in zip(layers, movement, strict=True):
            numbers[f"movement/{layer.name}"] = averaged(moved)
        if layers:
            numbers["movement"] = numbers[f"movement/{layers[-1].name}"]
        columns = ["all noise", "drawn again", "no noise", "coarse only", "fine only", "deviation"]
        scale = ColourScale("deviation over draws", low=0.0)
        caption = (
            f"Deviation of the mean over channels, over {self.cfg.draws} draws, in units of the image's range -1 to 1."
        )
        grid = Grid("variation", "Noise variation: the same w", rows[: self.cfg.shown], (), columns, scale, caption)
        return Result(numbers, [grid])

    def row(self, subject: Subject, ws: Tensor, draw: Draw, deviation: Tensor) -> list[list[Picture | HeatMap]]:
        """For each sample: with all noise twice, without, with coarse, with fine noise, and the deviation."""
        border = (4 * subject.generator.resolution) ** 0.5
        ways = [
            _image(subject, ws, draw.scoped("noise 0")),
            _image(subject, ws, draw.scoped("noise 1")),
            _image(subject, ws, Muted(draw, lambda purpose, shape: False)),
            _image(subject, ws, Muted(draw.scoped("noise 0"), lambda purpose, shape: shape[-1] < border)),
            _image(subject, ws, Muted(draw.scoped("noise 0"), lambda purpose, shape: shape[-1] >= border)),
        ]
        return [[*(Picture(way[i]) for way in ways), HeatMap(deviation[i])] for i in range(len(ws))]


def _image(subject: Subject, ws: Tensor, draw: Draw) -> Tensor:
    return paint(subject.generator, ws, draw, "random")


def _movement(places: Tensor) -> Tensor:
    """Mean distance [layers, N] of places [draws, layers, N, 2] from their mean."""
    return (places - places.mean(dim=0)).square().sum(dim=3).sqrt().mean(dim=0)
