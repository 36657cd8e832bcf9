"""Projection: images that the generator makes again, and how near it comes.

Source: arXiv:1912.04958 section 5; gancore.analysis.projection has the method. Real images are projected where there
are some; else the generator's own, which it can make exactly.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from pydantic import Field

from gancore.analysis import ProjectionOptions, paint, project, repainted, sampled_ws, start_of
from gancore.contracts import Analysis, Chart, Film, Grid, Line, Picture, Result, Subject, Value

FRAMES = 48


class Projection(Analysis):
    """Plugin `projection`: targets beside results, the distance over the steps, a film, and the w that were found."""

    count: ClassVar[int] = 2
    features: ClassVar[tuple[str, ...]] = ("lpips", "embedded")
    directions: ClassVar[Mapping[str, Literal["higher", "lower"]]] = {"distance": "lower"}

    class Config(ProjectionOptions):
        targets: Literal["real", "generated"] = Field("real", description="which images; generated where none are real")
        statistics: int = Field(
            2000,
            ge=2,
            le=1_000_000,
            json_schema_extra={"small": 8},
            description="samples of w for its mean and deviation",
        )

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
        ends, starts, ratios, rows, lines, tensors = [], [], [], [], [], {}
        film: list[torch.Tensor] = []
        for i, target in enumerate(subject.shown(targets, len(targets), "targets")):
            curve = []
            for found in project(generator, target, subject.distance, start, self.cfg):
                curve.append(found.distance)
                if i == 0 and found.step % max(self.cfg.steps // FRAMES, 1) == 0:
                    film.append(torch.cat([target, found.image], dim=2))
            image = repainted(generator, found)
            end = float(subject.distance(image[None], target[None])[0])
            path = torch.stack(curve).tolist()
            ends.append(end)
            starts.append(path[0])
            ratios.append(end / max(path[0], 1e-12))
            first = paint(generator, start.mean[None])[0]
            rows.append([Picture(target), Picture(first, f"{path[0]:.3g}"), Picture(image, f"{end:.3g}")])
            lines.append(Line(f"target {i + 1}", [float(k) for k in range(len(path))], path))
            tensors[f"ws/{i}"] = found.ws
        columns = ["target", "mean w", "projected"]
        title = f"Projection of {'real' if real else 'generated'} images"
        grid = Grid("targets", title, rows, (), columns, caption=f"Distances: {subject.looked_through}.")
        curve_of = Chart("distance", "Projection: distance over the steps", "step", "distance", lines, log_y=True)
        numbers = {name: _over(values) for name, values in (("distance", ends), ("start", starts), ("ratio", ratios))}
        return Result(numbers, [grid, curve_of, Film("film", title, torch.stack(film))], tensors=tensors)


def _over(values: list[float]) -> Value:
    """Mean and deviation over targets."""
    rows = torch.tensor(values, dtype=torch.float64)
    return Value(float(rows.mean()), float(rows.std(correction=0)))
