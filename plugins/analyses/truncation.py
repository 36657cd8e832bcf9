"""Truncation: from the average image to the others, and beyond.

Source: arXiv:1812.04948 figure 8: psi 1, 0.7, 0.5, 0, -0.5, -1. The diversity at each psi is ours: the standard
deviation of each pixel over samples, as a share of that at psi 1.
"""

from collections.abc import Iterable
from typing import ClassVar

from pydantic import Field

from gancore.analysis import paint
from gancore.contracts import Analysis, Chart, Grid, Line, Picture, PluginConfig, Result, Subject, Value


class Truncation(Analysis):
    """Plugin `truncation`: the same samples at several psi, and how alike they become."""

    count: ClassVar[int] = 64

    class Config(PluginConfig):
        psi: tuple[float, ...] = Field(
            (1.0, 0.7, 0.5, 0.0, -0.5, -1.0), strict=False, min_length=1, max_length=32, description="columns"
        )
        shown: int = Field(5, ge=1, le=32, description="samples in the figure")

    cfg: Config

    @property
    def protocol(self) -> str:
        return "diversity: std over samples, mean over pixels, over that at psi 1; all slots truncated, noise const"

    def misfits(self, subject: Subject) -> Iterable[str]:
        z, label = subject.latents(1)
        try:
            subject.generator.mapping(z, label, truncation_psi=0.5)
        except ValueError as error:
            yield str(error)

    def analyze(self, subject: Subject) -> Result:
        z, label = subject.latents(max(subject.count, self.cfg.shown))
        columns, deviations = [], {}
        for psi in dict.fromkeys((*self.cfg.psi, 1.0, 0.5)):
            images = paint(subject.generator, subject.generator.mapping(z, label, truncation_psi=psi))
            deviations[psi] = float(images.double().std(dim=0, correction=0).mean())
            if psi in self.cfg.psi:
                columns.append(images[: self.cfg.shown])
        full = max(deviations[1.0], 1e-12)
        numbers = {f"diversity/{psi:g}": Value(value / full) for psi, value in deviations.items()}
        numbers["diversity_at_half"] = Value(deviations[0.5] / full)
        tiles = [[Picture(column[i]) for column in columns] for i in range(self.cfg.shown)]
        grid = Grid("grid", "Truncation", tiles, columns=[f"psi {psi:g}" for psi in self.cfg.psi])
        at = sorted(deviations)
        line = Line("", at, [deviations[psi] / full for psi in at], dots=True)
        curve = Chart("diversity", "Truncation: diversity of the images", "psi", "share of that at psi 1", [line])
        return Result(numbers, [grid, curve])
