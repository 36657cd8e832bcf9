"""Attribution: whether images that the generator made can be distinguished from real ones by projecting them.

Source: arXiv:1912.04958 section 5, figures 9 and 10: distances of images to their projections, for generated and for
training images, as histograms; the further apart these are, the surer an image is attributed. The area under the curve
(AUROC: the chance that a generated image is nearer to its projection than a real one) and the overlap are ours.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from gancore.analysis import TargetsOptions, averaged, paint, recover, sampled_ws, start_of
from gancore.contracts import Analysis, Grid, Histogram, Picture, Result, Subject, Value


class Attribution(Analysis):
    """Plugin `attribution`: distances of generated and of real images to their projections."""

    count: ClassVar[int] = 4
    features: ClassVar[tuple[str, ...]] = ("lpips", "embedded")
    directions: ClassVar[Mapping[str, Literal["higher", "lower"]]] = {"auroc": "higher"}
    requires: ClassVar[Mapping[str, str]] = {"dataset:images": "it projects real images as well"}

    class Config(TargetsOptions):
        steps: int = Field(
            200,
            ge=1,
            le=1_000_000,
            json_schema_extra={"small": 1},
            description="steps of the optimizer (published: 1000)",
        )

    cfg: Config

    @property
    def protocol(self) -> str:
        return (
            f"{self.cfg.steps} steps of the published projector in {self.cfg.space}, as many generated as real images; "
            "auroc: chance that a generated image ends nearer than a real one; overlap: shared area of the histograms"
        )

    def analyze(self, subject: Subject) -> Result:
        generator = subject.generator
        ws = sampled_ws(subject, max(self.cfg.statistics, subject.count))
        start = start_of(generator, ws, subject.seed)
        sets = {"generated": paint(generator, ws[: subject.count]), "real": subject.reals(subject.count)}
        distances: dict[str, list[float]] = {name: [] for name in sets}
        tiles: list[list[Picture]] = []
        for name, targets in sets.items():
            tiles += [[Picture(target) for target in targets], []]
            for target in subject.shown(targets, len(targets), "targets"):
                found = recover(subject, target, start, self.cfg)
                distances[name].append(found.distance)
                tiles[-1].append(Picture(found.image, f"{found.distance:.3g}"))
        fakes, reals = (torch.tensor(distances[name], dtype=torch.float64) for name in sets)
        numbers = {"auroc": Value(auroc(fakes, reals)), "overlap": Value(overlap(fakes, reals))}
        numbers |= {"generated": averaged(fakes), "real": averaged(reals)}
        title = "Distance of images to their projections"
        bars = Histogram("histogram", title, "distance", distances, caption=f"Seen by {subject.looked_through}.")
        rows = ["generated", "projected", "real", "projected"]
        return Result(numbers, [bars, Grid("images", "Attribution: images and projections", tiles, rows)])


def auroc(lower: Tensor, higher: Tensor) -> float:
    """The chance that a value of `lower` [N] is below one of `higher` [M]; ties count half."""
    below = (lower[:, None] < higher).double() + 0.5 * (lower[:, None] == higher)
    return float(below.mean())


def overlap(a: Tensor, b: Tensor, bins: int = 20) -> float:
    """The area that the histograms of two samples share: 1 where they are the same, 0 where none of it is."""
    both = torch.cat([a, b])
    low, high = float(both.min()), float(both.max())
    if low == high:
        return 1.0
    shares = [torch.histc(x, bins, low, high) / len(x) for x in (a, b)]
    return float(torch.minimum(*shares).sum())
