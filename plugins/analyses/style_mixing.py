"""Style mixing: the styles of one image in some layers of another.

Source: arXiv:1812.04948 section 3.1, figure 3: rows are sources, columns destinations; the source's w goes into the
slots of the coarse (4x4 to 8x8: the first four), the middle (16x16 to 32x32: the next four) or the fine layers.
Differs: a generator with fewer than ten slots has them in thirds. The strength of a group is ours: how far its exchange
moves the image, as a share of the distance to the image whose every slot was exchanged.
"""

from collections.abc import Iterable, Mapping
from typing import ClassVar

from pydantic import Field

from gancore.analysis import averaged, mixed, paint, sampled_ws, slots_by_scale
from gancore.contracts import Analysis, Bars, Grid, Picture, PluginConfig, Result, Subject


class StyleMixing(Analysis):
    """Plugin `style_mixing`: grids of mixed images, and how strong coarse, middle and fine styles are."""

    count: ClassVar[int] = 64
    features: ClassVar[tuple[str, ...]] = ("lpips", "embedded")
    requires: ClassVar[Mapping[str, str]] = {"generator:ws": "it exchanges some of the slots of ws"}

    class Config(PluginConfig):
        sources: int = Field(3, ge=1, le=16, description="rows of each group in the figure")
        destinations: int = Field(6, ge=1, le=16, description="columns of the figure")

    cfg: Config

    @property
    def protocol(self) -> str:
        return (
            "strength: distance(mixed, own) over distance(exchanged, own), mean over pairs; noise const, no truncation"
        )

    def misfits(self, subject: Subject) -> Iterable[str]:
        if subject.generator.num_ws < 2:
            yield "its ws have one slot, and nothing can be mixed"

    def analyze(self, subject: Subject) -> Result:
        generator = subject.generator
        groups = slots_by_scale(generator.num_ws)
        wanted = self.cfg.sources + self.cfg.destinations
        ws = sampled_ws(subject, max(subject.count, wanted))
        own = paint(generator, ws)
        exchanged = ws.roll(1, dims=0)
        whole = subject.distance(paint(generator, exchanged), own).double().clamp_min(1e-12)
        numbers = {}
        for name, slots in groups.items():
            share = subject.distance(paint(generator, mixed(ws, exchanged, slots)), own).double() / whole
            numbers[name] = averaged(share)
        sources, destinations = own[: self.cfg.sources], own[self.cfg.sources : wanted]
        tiles = [[None, *map(Picture, destinations)]]
        rows = [""]
        for name, slots in groups.items():
            for i, source in enumerate(sources):
                row = mixed(ws[self.cfg.sources : wanted], ws[i : i + 1], slots)
                tiles.append([Picture(source), *map(Picture, paint(generator, row))])
                rows.append(name if i == 0 else "")
        caption = "First column: sources, whose styles the layers named on the left take. First row: destinations."
        grid = Grid("grid", "Style mixing", tiles, rows, caption=caption)
        bars = Bars("strength", "Style mixing: strength", "share of the whole exchange", list(groups),
                    {"strength": list(numbers.values())}, "Whiskers: standard deviation over pairs.")  # fmt: skip
        return Result(numbers, [grid, bars])
