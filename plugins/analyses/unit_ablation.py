"""Unit ablation: what happens to the peak when the strongest units inside it are set to zero, early and late.

Source: arXiv:2103.01090 claim 2, figures 6 to 10: early, the unit that is strongest in the artifact moves the artifact;
late, removing units changes colours only, and one unit alone still shows it. Whole units are zeroed (arXiv:1811.10597
zeroes them at places). Ours: the same number of random units as a control; units are ranked by their mean absolute
value inside the spots of all samples; the peak is followed in the last layer that makes no image.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from gancore.analysis import averaged, magnitude, paint, peak_place, peak_ratio, sampled_ws, spot
from gancore.contracts import Analysis, Chart, Edit, Grid, Later, Line, Picture, PluginConfig, Result, Subject, Value

SHOWN = 4


class UnitAblation(Analysis):
    """Plugin `unit_ablation`: strongest against random units set to zero, and one unit kept."""

    count: ClassVar[int] = 16

    class Config(PluginConfig):
        layers: tuple[str, ...] = Field(
            (),
            strict=False,
            description="where units are ablated; default: one at 8x8, and the middle of the later ones",
        )
        most: int = Field(16, ge=1, le=4096, description="units that are ablated at most: 1, 2, 4, ... of them")
        perceptual: Later[bool] = Field(
            False, description="also the perceptual distance of the images to the whole model's, through `features`"
        )

    cfg: Config

    def __init__(self, cfg: Config) -> None:
        super().__init__(cfg)
        self.features = ("lpips", "embedded") if cfg.perceptual else ()  # type: ignore[misc]

    @property
    def protocol(self) -> str:
        return (
            "displacement of the magnitude's peak in the last layer, over the side, and its peak-to-median ratio over "
            "that of the whole model; units by their mean |x| in the spots of their layer; noise const, no truncation"
            + "; distance: perceptual, of the images to the whole model's"
            * self.cfg.perceptual
        )

    def misfits(self, subject: Subject) -> Iterable[str]:
        names = [layer.name for layer in subject.layers() if not layer.image and layer.resolution >= 4]
        if len(names) < 2:
            yield "it needs two layers with feature maps, one to ablate and one to look at behind it"
        for name in self.cfg.layers:
            if name not in names[:-1]:
                yield f"no layer {name!r} before the last one; there are {', '.join(names[:-1])}"

    def analyze(self, subject: Subject) -> Result:
        names = [layer.name for layer in subject.layers() if not layer.image and layer.resolution >= 4]
        early = next((x.name for x in subject.layers() if x.name in names[:-1] and x.resolution >= 8), names[0])
        chosen = list(self.cfg.layers) or list(
            dict.fromkeys([early, names[(names.index(early) + len(names) - 1) // 2]])
        )
        ws, last = sampled_ws(subject), names[-1]
        own, whole = run(subject, ws, [*chosen, last], {})
        numbers: dict[str, Value] = {}
        moved, strength, distance, tiles = [], [], [], []
        for name in chosen:
            x = whole[name]
            units = x.shape[1]
            order = strongest(x)
            chance = torch.randperm(units, generator=torch.Generator().manual_seed(subject.seed)).to(x.device)
            counts = [k for k in (2**i for i in range(16)) if k <= min(self.cfg.most, units - 1)]
            for label, ranked in ((f"{name}, strongest", order), (f"{name}, random", chance)):
                found = [self.changed(subject, ws, name, ranked[:k], last, whole[last]) for k in counts]
                kind = "displacement" if ranked is order else "random"
                numbers |= {f"{kind}/{name}/{k}": Value(d) for k, (d, _, _) in zip(counts, found, strict=True)}
                at, quiet = [float(k) for k in counts], ranked is chance
                if self.cfg.perceptual:
                    apart = [averaged(subject.distance(images, own)) for _, _, images in found]
                    word = "random_distance" if quiet else "distance"
                    numbers |= {f"{word}/{name}/{k}": value for k, value in zip(counts, apart, strict=True)}
                    distance.append(Line(label, at, [value.value for value in apart], quiet=quiet, dots=True))
                moved.append(Line(label, at, [d for d, _, _ in found], quiet=quiet, dots=True))
                strength.append(Line(label, at, [s for _, s, _ in found], quiet=quiet, dots=True))
                if ranked is order:
                    rows = [own, *(image for _, _, image in found)]
                    kept = self.changed(subject, ws, name, order[1:], last, whole[last])
                    numbers[f"displacement/{name}/one kept"] = Value(kept[0])
                    tiles.append(pictures(name, counts, [*rows, kept[2]]))
        first = moved[0]
        numbers |= {"displacement": Value(first.y[0]), "displacement_random": Value(moved[1].y[0])}
        x_label, titles = "units set to zero", ("how far the peak moves", "strength of the peak")
        charts = [
            Chart(key, f"Unit ablation: {title}", x_label, y_label, lines, log_x=True)
            for key, title, y_label, lines in (
                ("displacement", titles[0], "share of the side", moved),
                ("strength", titles[1], "over that of the whole", strength),
            )
        ]
        if distance:
            title = f"Unit ablation: distance to the whole model's images ({subject.looked_through})"
            charts.append(Chart("distance", title, x_label, "distance", distance, log_x=True))
        return Result(numbers, [*charts, *tiles], {"followed in": last})

    def changed(
        self, subject: Subject, ws: Tensor, name: str, units: Tensor, last: str, whole: Tensor
    ) -> tuple[float, float, Tensor]:
        """Mean displacement and relative strength of the peak in the last layer, and the images, without some units.

        The strength is 0 where the whole model's map is zero (a branch that starts with weights of zero).
        """

        def off(x: Tensor) -> Tensor:
            return x.index_fill(1, units, 0)

        images, seen = run(subject, ws, [last], {name: off})
        a, b = magnitude(whole), magnitude(seen[last])
        apart = (peak_place(a) - peak_place(b)).double().square().sum(dim=1).sqrt() / a.shape[1]
        return float(apart.mean()), float((peak_ratio(b) / peak_ratio(a).clamp_min(1e-12)).mean()), images


def run(
    subject: Subject, ws: Tensor, names: Sequence[str], edits: Mapping[str, Edit]
) -> tuple[Tensor, dict[str, Tensor]]:
    """Images, and the activations of layers, of all ws."""
    images, parts = [], []
    for piece in ws.split(16):
        with subject.tap(names, edits) as seen:
            images.append(paint(subject.generator, piece))
        parts.append(dict(seen))
    return torch.cat(images), {name: torch.cat([part[name] for part in parts]) for name in names}


def pictures(name: str, counts: Sequence[int], columns: Sequence[Tensor]) -> Grid:
    """The whole images, those without the strongest units, and those with one unit only."""
    rows = range(min(SHOWN, len(columns[0])))
    tiles = [[Picture(column[i]) for column in columns] for i in rows]
    heads = ["whole", *(f"{k} off" for k in counts), "one kept"]
    return Grid(f"images_{name.replace('.', '_')}", f"Units of {name} set to zero", tiles, columns=heads)


def strongest(x: Tensor) -> Tensor:
    """The units [C] of activations [N, C, H, W], from the one with the largest mean |x| inside the spots on."""
    m = magnitude(x)
    inside = spot(m, peak_place(m))[:, None]
    mean = (x.abs() * inside).sum(dim=(0, 2, 3)) / inside.sum()
    return mean.argsort(descending=True)
