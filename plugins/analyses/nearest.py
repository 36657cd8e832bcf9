"""Nearest training images: whether samples are copies.

Source: arXiv:1406.2661 figure 2 and arXiv:1710.10196 figure 10 show samples beside their nearest training images. The
distances are between features, normalised to length 1. Ours: a sample counts as a copy where it is nearer to a training
image than 95% of the training images are to their own nearest other one.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from gancore.analysis import averaged
from gancore.contracts import Analysis, Grid, Histogram, Picture, PluginConfig, Result, Subject, Value


class Nearest(Analysis):
    """Plugin `nearest`: samples beside the training images that are nearest in feature space, and their distances."""

    count: ClassVar[int] = 256
    features: ClassVar[tuple[str, ...]] = ("inception", "embedded")
    directions: ClassVar[Mapping[str, Literal["higher", "lower"]]] = {"copies": "lower"}
    requires: ClassVar[Mapping[str, str]] = {"dataset:images": "it compares samples with training images"}

    class Config(PluginConfig):
        reals: int = Field(2000, ge=3, le=1_000_000, description="training images to search, evenly chosen")
        neighbours: int = Field(3, ge=1, le=10, description="training images beside each sample")
        shown: int = Field(6, ge=1, le=32, description="samples in the figure, those nearest to a training image")

    cfg: Config

    @property
    def protocol(self) -> str:
        return (
            f"Euclidean distance of features of length 1, {self.cfg.reals} training images at most, not mirrored; "
            "copies: share of samples nearer than the 5% quantile of training images to one another; random noise"
        )

    def analyze(self, subject: Subject) -> Result:
        generator = subject.generator
        fakes = torch.cat([generator.sample(draw, label).cpu() for draw, label in subject.draws()])
        reals = subject.reals(self.cfg.reals).cpu()
        a, b = (F.normalize(subject.features(images).double(), dim=1) for images in (fakes, reals))
        apart = torch.cdist(a, b)
        nearest, which = apart.topk(min(self.cfg.neighbours, len(reals)), dim=1, largest=False)
        among = _among(b)
        limit = float(torch.quantile(among, 0.05))
        numbers = {
            "copies": Value(float((nearest[:, 0] < limit).double().mean())),
            "distance": averaged(nearest[:, 0]),
            "ratio": Value(float(nearest[:, 0].mean() / among.mean().clamp_min(1e-12))),
        }
        order = nearest[:, 0].argsort()[: self.cfg.shown]
        tiles = []
        for i in order:
            beside = zip(which[i], nearest[i], strict=True)
            tiles.append([Picture(fakes[i]), *(Picture(reals[j], f"{float(d):.3g}") for j, d in beside)])
        title = "Samples and their nearest training images"
        columns = ["sample", *(f"nearest {k + 1}" for k in range(which.shape[1]))]
        grid = Grid(
            "neighbours", title, tiles, (), columns, caption=f"Nearest first, seen by {subject.looked_through}."
        )
        sets = {"sample to training": nearest[:, 0].tolist(), "training to other training": among.tolist()}
        bars = Histogram("histogram", "Distance to the nearest training image", "distance", sets)
        return Result(numbers, [grid, bars])


def _among(features: Tensor) -> Tensor:
    """The distance of each row [M, D] to the nearest other one, [M]."""
    return torch.cdist(features, features).fill_diagonal_(float("inf")).amin(dim=1)
