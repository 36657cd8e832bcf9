"""Projection: images that the generator makes again, and how near it comes.

Source: arXiv:1912.04958 section 5; gancore.analysis.projection has the method. Real images are projected where there
are some; else the generator's own, which it can make exactly.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from gancore.analysis import TargetsOptions, averaged, paint, recover, sampled_ws, start_of
from gancore.contracts import Analysis, Chart, Film, Grid, Line, Picture, Result, Subject

FRAMES = 48


class Projection(Analysis):
    """Plugin `projection`: targets beside results, the distance over the steps, a film, and the w that were found."""

    count: ClassVar[int] = 2
    features: ClassVar[tuple[str, ...]] = ("lpips", "embedded")
    directions: ClassVar[Mapping[str, Literal["higher", "lower"]]] = {"distance": "lower"}

    class Config(TargetsOptions):
        targets: Literal["real", "generated"] = Field("real", description="which images; generated where none are real")

    cfg: Config

    @property
    def protocol(self) -> str:
        return (
            f"{self.cfg.steps} steps of the published projector in {self.cfg.space} with noise maps, 256x256 at most; "
            f"distance at the end, without noise on w; mean and std over targets: {self.cfg.targets} images"
        )

    def analyze(self, subject: Subject) -> Result:
        generator = subject.generator
        real = self.cfg.targets == "real" and "images" in subject.provided["dataset"]
        targets = subject.reals(subject.count) if real else paint(generator, sampled_ws(subject, subject.count))
        start = start_of(generator, sampled_ws(subject, self.cfg.statistics), subject.seed)
        mean = paint(generator, start.mean[None])[0]
        film: list[Tensor] = []
        ends, rows, lines, tensors = [], [], [], {}
        for i, target in enumerate(subject.shown(targets, len(targets), "targets")):
            found = recover(subject, target, start, self.cfg, 0 if film else FRAMES)
            film = film or [torch.cat([target.cpu(), frame], dim=2) for frame in found.frames]
            first, end = found.distances[0], found.distance
            ends.append([end, first, end / max(first, 1e-12)])
            rows.append([Picture(target), Picture(mean, f"{first:.3g}"), Picture(found.image, f"{end:.3g}")])
            lines.append(Line(f"target {i + 1}", [float(k) for k in range(self.cfg.steps)], found.distances))
            tensors[f"ws/{i}"] = found.last.ws
        columns = ["target", "mean w", "projected"]
        title = f"Projection of {'real' if real else 'generated'} images"
        grid = Grid("targets", title, rows, (), columns, caption=f"Distances: {subject.looked_through}.")
        curve_of = Chart("distance", "Projection: distance over the steps", "step", "distance", lines, log_y=True)
        over_targets = map(averaged, torch.tensor(ends, dtype=torch.float64).T)
        numbers = dict(zip(("distance", "start", "ratio"), over_targets, strict=True))
        return Result(numbers, [grid, curve_of, Film("film", title, torch.stack(film))], tensors=tensors)
