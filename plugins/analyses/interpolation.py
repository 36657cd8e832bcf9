"""Interpolation: films and strips of walks between samples, through z and through w.

Source: arXiv:1511.06434 section 6.1 (smooth walks show that images were not memorized); arXiv:1609.04468 for the great
circle in z, since a straight line between normal latents leaves where they are; straight lines in w, as
arXiv:1812.04948 section 4.1. The unevenness is ours: the standard deviation of the distances of neighbouring frames
over their mean, 0 for a walk at constant speed.
"""

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from gancore.analysis import paint, slerp
from gancore.contracts import Analysis, Chart, Film, Grid, Line, Picture, PluginConfig, Result, Subject, Value

STRIP = 9


class Interpolation(Analysis):
    """Plugin `interpolation`: closed walks through samples, in z and in w."""

    count: ClassVar[int] = 4
    features: ClassVar[tuple[str, ...]] = ("lpips", "embedded")

    class Config(PluginConfig):
        frames: int = Field(24, ge=2, le=600, json_schema_extra={"small": 4}, description="frames between two samples")
        per_second: float = Field(24.0, gt=0, le=120, description="frames of the films in a second")

    cfg: Config

    @property
    def protocol(self) -> str:
        return (
            f"closed walk through all samples, {self.cfg.frames} frames between two, one label, noise const, "
            "no truncation; unevenness: std over mean of the distances of neighbouring frames"
        )

    def analyze(self, subject: Subject) -> Result:
        generator = subject.generator
        z, label = subject.latents()
        label = None if label is None else label[:1].expand(len(z), -1)
        ends, t = z.roll(-1, dims=0), torch.arange(self.cfg.frames, device=z.device) / self.cfg.frames
        walks = {"z": self.through_z(subject, z, ends, label, t)}
        if "ws" in generator.provides:
            ws = generator.mapping(z, label)
            walks["w"] = torch.cat([torch.lerp(a, b, t[:, None, None]) for a, b in _pairs(ws)])
        numbers, films, rows, lines = {}, [], [], []
        for space, walk in walks.items():
            images = paint(generator, walk)
            steps = subject.distance(images, images.roll(-1, dims=0)).double()
            numbers[f"unevenness_{space}"] = Value(float(steps.std(correction=0) / steps.mean().clamp_min(1e-12)))
            numbers[f"speed_{space}"] = Value(float(steps.mean()))
            films.append(Film(f"film_{space}", f"Walk through {space}", images, self.cfg.per_second))
            at = torch.linspace(0, self.cfg.frames, STRIP).round().long() % len(images)
            rows.append([Picture(images[i]) for i in at])
            lines.append(Line(space, [float(i) for i in range(len(steps))], steps.tolist()))
        grid = Grid("strip", "Interpolation between two samples", rows, [f"in {space}" for space in walks])
        curve = Chart("speed", "Interpolation: how fast the image changes", "frame", "distance to the next", lines)
        return Result(numbers, [grid, curve, *films])

    def through_z(self, subject: Subject, z: Tensor, ends: Tensor, label: Tensor | None, t: Tensor) -> Tensor:
        """ws of the walk through z."""
        found = []
        for i in range(len(z)):
            n = len(t)
            latents = slerp(z[i].expand(n, -1), ends[i].expand(n, -1), t[:, None])
            found.append(subject.generator.mapping(latents, None if label is None else label[:1].expand(n, -1)))
        return torch.cat(found)


def _pairs(ws: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Each with the next, the last with the first."""
    return list(zip(ws.split(1), ws.roll(-1, dims=0).split(1), strict=True))
