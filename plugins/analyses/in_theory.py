"""In theory: how large a hot spot comes out of each normalization, as a function of its share of the map.

Source: arXiv:2103.01090 claim 3, equations 1 and 2: instance norm brings the mean of a hot region of share alpha to
sqrt((1 - alpha) / alpha), however hot it was, which is large for small spots; pixel norm bounds it where all channels
carry it. BIN with one hot map in a batch of N, and demodulation, which looks at no map, follow in the same way.
The closed forms stand beside maps that went through the normalization, and beside the spots of the model's own layers.
"""

from collections.abc import Iterable
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from gancore.analysis import magnitude, peak_place, spot
from gancore.contracts import Analysis, Chart, Line, PluginConfig, Result, Subject, Value
from gancore.nn import instance_norm, pixel_norm

SIDE, CHANNELS, BATCH = 128, 16, 4


class InTheory(Analysis):
    """Plugin `in_theory`: the mean of a hot spot behind IN, PN, PIN, BIN and demodulation, computed and measured."""

    count: ClassVar[int] = 16

    class Config(PluginConfig):
        height: float = Field(100.0, ge=10, description="mean of the spot before, in deviations of the rest")
        rho: float = Field(0.5, ge=0, le=1, description="share of PIN and BIN")

    cfg: Config

    @property
    def protocol(self) -> str:
        return (
            f"spot of {self.cfg.height:g} deviations in all channels of one of {BATCH} maps {SIDE}x{SIDE}; mean of the "
            "spot behind the normalization; agreement: largest relative difference of measured from closed form"
        )

    def misfits(self, subject: Subject) -> Iterable[str]:
        if not [layer for layer in subject.layers() if not layer.image and layer.resolution >= 8]:
            yield "no layer of this generator has feature maps of 8x8 pixels or more"

    def analyze(self, subject: Subject) -> Result:
        sizes = [1, 2, 3, 5, 8, 12, 18, 26, 40, 60]
        rows = [self.compared(size) for size in sizes]
        alphas = [alpha for alpha, _, _ in rows]
        names = list(rows[0][1])
        lines = [Line(name, alphas, [closed[name] for _, closed, _ in rows]) for name in names]
        lines += [
            Line("", alphas, [measured[name] for _, _, measured in rows], quiet=True, joined=False) for name in names
        ]
        apart = {name: max(abs(m[name] / c[name] - 1) for _, c, m in rows) for name in names}
        numbers = {f"agreement/{name}": Value(value) for name, value in apart.items()}
        numbers["agreement"] = Value(max(apart.values()))
        numbers |= {f"closed/{name}/{alpha:.2g}": Value(closed[name]) for alpha, closed, _ in rows for name in names}
        own = self.of_layers(subject)
        numbers |= {f"layer/{name}": Value(height) for name, (_, height) in own.items()}
        numbers |= {f"layer_alpha/{name}": Value(alpha) for name, (alpha, _) in own.items()}
        points = sorted(own.values())
        lines.append(Line("this model's layers", [a for a, _ in points], [h for _, h in points], joined=False))
        caption = "Lines: closed forms. Grey dots: maps that went through. A spot's share of the map is alpha."
        chart = Chart("spots", "How large a hot spot comes out of a normalization", "alpha", "mean of the spot", lines,
                      log_x=True, log_y=True, caption=caption)  # fmt: skip
        return Result(numbers, [chart])

    def compared(self, size: int) -> tuple[float, dict[str, float], dict[str, float]]:
        """alpha, and the mean of a square spot in closed form and measured, by the name of the normalization."""
        height, rho, alpha = self.cfg.height, self.cfg.rho, size**2 / SIDE**2
        instance, batch = (behind_instance_norm(a, height) for a in (alpha, alpha / BATCH))
        closed = {"IN": instance, "PN": 1.0, "demod": height}
        closed |= {"PIN": rho + (1 - rho) * instance, "BIN": rho * batch + (1 - rho) * instance}
        x = torch.randn(BATCH, CHANNELS, SIDE, SIDE, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        x[0, :, :size, :size] += height
        over_batch = (x - x.mean((0, 2, 3), keepdim=True)) / x.std((0, 2, 3), correction=0, keepdim=True)
        behind = {"IN": instance_norm(x), "PN": pixel_norm(x), "demod": x}
        behind["PIN"] = torch.lerp(behind["IN"], behind["PN"], rho)
        behind["BIN"] = torch.lerp(behind["IN"], over_batch, rho)
        return alpha, closed, {name: float(y[0, :, :size, :size].mean()) for name, y in behind.items()}

    def of_layers(self, subject: Subject) -> dict[str, tuple[float, float]]:
        """For each layer the share of the spot around its peak, and its height in deviations: means over samples."""
        layers = [layer.name for layer in subject.layers() if not layer.image and layer.resolution >= 8]
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in layers}
        with subject.tap(layers) as seen:
            for draw, label in subject.draws():
                subject.generator.sample(draw, label)
                for name in layers:
                    found[name].append(_spot(seen[name].float()))
        means = {name: torch.tensor(rows, dtype=torch.float64).mean(dim=0).tolist() for name, rows in found.items()}
        return {name: (alpha, height) for name, (alpha, height) in means.items()}


def behind_instance_norm(alpha: float, height: float) -> float:
    """Mean of a spot of share alpha and mean `height`, both parts of variance 1, behind IN (equations 1 and 2)."""
    return float((1 - alpha) * height / (1 + alpha * (1 - alpha) * height**2) ** 0.5)


def _spot(x: Tensor) -> tuple[float, float]:
    m = magnitude(x)
    inside = spot(m, peak_place(m))
    height = (x.abs() / x.std((2, 3), keepdim=True).clamp_min(1e-12)).mean(dim=1)
    return float(inside.double().mean()), float(height[inside].mean())
