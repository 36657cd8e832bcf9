"""Path length of each image: how fast the image changes where it is, and which ones are best and worst.

Source: arXiv:1912.04958 section 3, figures 4 and 5: the perceptual path length of an image is the expected distance of
small steps around its w; images with a low one look better, and the regularizer narrows the distribution. The steps are
those of arXiv:1812.04948 section 4.1: d(G(w), G(lerp(w, w', epsilon))) / epsilon^2, with w' of other samples.
Differs: images are taken whole, both with the same stored noise.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from gancore.analysis import averaged, batches, paint, ws_of
from gancore.contracts import Analysis, Grid, Histogram, Picture, PluginConfig, Result, Subject, Value

LARGEST = 256


class PathLength(Analysis):
    """Plugin `path_length`: the distribution of path lengths of images, the shortest and the longest."""

    count: ClassVar[int] = 128
    features: ClassVar[tuple[str, ...]] = ("lpips", "embedded")
    directions: ClassVar[Mapping[str, Literal["higher", "lower"]]] = {"mean": "lower"}

    class Config(PluginConfig):
        steps: int = Field(4, ge=1, le=1000, description="directions in which each image is left")
        epsilon: float = Field(1e-2, gt=0, lt=1, description="share of the way to another latent")
        shown: int = Field(8, ge=1, le=32, description="images at either end in the figure")

    cfg: Config

    @property
    def protocol(self) -> str:
        return (
            f"mean over {self.cfg.steps} directions of d(G(w), G(lerp(w, w', epsilon))) / epsilon^2, epsilon "
            f"{self.cfg.epsilon:g}, w' of other samples with the same label, noise const, no truncation, no crop"
        )

    def analyze(self, subject: Subject) -> Result:
        generator = subject.generator
        lengths, images = [], []
        for draw, label in batches(subject):
            ws = ws_of(generator, draw, label)
            own = paint(generator, ws)
            found = []
            for k in range(self.cfg.steps):
                other = generator.mapping(generator.sample_z(draw.scoped(f"step {k}")), label)
                moved = paint(generator, torch.lerp(ws, other, self.cfg.epsilon))
                found.append(subject.distance(_seen(own), _seen(moved)).double() / self.cfg.epsilon**2)
            lengths.append(torch.stack(found).mean(dim=0).cpu())
            images.append(own.cpu())
        length, image = torch.cat(lengths), torch.cat(images)
        order = length.argsort()
        shown = min(self.cfg.shown, len(order) // 2)
        rows = [order[:shown], order[-shown:].flip(0)]
        tiles = [[Picture(image[i], f"{float(length[i]):.3g}") for i in row] for row in rows]
        grid = Grid("extremes", "Path length: the shortest and the longest", tiles, ["shortest", "longest"])
        title = "Path length of single images"
        bars = Histogram("histogram", title, "path length", {"samples": length.tolist()}, log_x=True)
        quantiles = torch.quantile(length, torch.tensor([0.05, 0.5, 0.95], dtype=length.dtype)).tolist()
        numbers = {"mean": averaged(length)}
        numbers |= {name: Value(q) for name, q in zip(("p5", "median", "p95"), quantiles, strict=True)}
        numbers["spread"] = Value(quantiles[2] / max(quantiles[0], 1e-12))
        return Result(numbers, [bars, grid])


def _seen(images: Tensor) -> Tensor:
    """At most 256 pixels wide, as in the metric."""
    factor = images.shape[2] // LARGEST
    return F.avg_pool2d(images, factor) if factor > 1 else images
