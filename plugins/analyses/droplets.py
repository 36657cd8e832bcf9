"""Droplets: blobs of activation at one place of all channels, from some resolution on.

Source: arXiv:1912.04958 section 2 and figure 1 (blobs in StyleGAN's maps from 64x64 on, even where the image hides
them), arXiv:2103.01090 claims 1 and 2 (a spot strong in few channels early, in all later) and figure 4 (values over
channels). Both show pictures and define no number. The quantities are ours: for the magnitude m = sqrt(mean over
channels of x^2) of a layer, its peak over its median; the share of channels whose own peak lies within 5% of the side
(or among the 8 neighbours) of that place; the energy in this disc over its share of the area. The score of an image is
the largest, over layers, of the peak ratio times that share.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from gancore.analysis import averaged, batches, consistency, energy_ratio, magnitude, peak_place, peak_ratio, spot
from gancore.contracts import (
    Analysis,
    Chart,
    ColourScale,
    Grid,
    HeatMap,
    Layer,
    Line,
    Picture,
    PluginConfig,
    Result,
    Subject,
    Value,
)

SHOWN, CHANNELS = 3, 64


class Droplets(Analysis):
    """Plugin `droplets`: magnitude maps of every layer, what peaks in them, and from which resolution on."""

    count: ClassVar[int] = 64
    directions: ClassVar[Mapping[str, Literal["higher", "lower"]]] = {"score": "lower"}

    class Config(PluginConfig):
        ratio: float = Field(10.0, gt=1, description="peak over median magnitude from which a peak counts as a droplet")
        share: float = Field(0.5, gt=0, le=1, description="channels that peak there, from which it counts")
        noise: Literal["const", "random", "none"] = Field("random", description="noise mode of the samples")

    cfg: Config

    @property
    def protocol(self) -> str:
        return (
            f"score: mean over samples of the largest peak-to-median ratio times share of channels that peak there; "
            f"onset: least resolution with median ratio >= {self.cfg.ratio:g} and share >= {self.cfg.share:g}; "
            f"layers as they leave, noise {self.cfg.noise}, no truncation"
        )

    def misfits(self, subject: Subject) -> Iterable[str]:
        if not self.layers(subject):
            yield "no layer of this generator has feature maps of 4x4 pixels or more"

    def layers(self, subject: Subject) -> list[Layer]:
        return [layer for layer in subject.layers() if not layer.image and layer.resolution >= 4]

    def analyze(self, subject: Subject) -> Result:
        layers, generator = self.layers(subject), subject.generator
        rows: dict[str, list[Peaks]] = {layer.name: [] for layer in layers}
        first: dict[str, Tensor] = {}
        images = []
        with subject.tap(rows) as seen:
            for draw, label in batches(subject):
                images.append(generator.sample(draw, label, noise_mode=self.cfg.noise)[:SHOWN])
                for name in rows:
                    rows[name].append(Peaks.of(seen[name]))
                    first.setdefault(name, seen[name][:SHOWN].float())
        peaks = {name: Peaks.joined(parts) for name, parts in rows.items()}
        by_layer = torch.stack([peaks[layer.name].score for layer in layers])  # [L, N]
        scores = by_layer.amax(dim=0)
        onset = self.onset(layers, peaks)
        worst = layers[int(by_layer.mean(dim=1).argmax())]
        place = peaks[onset.name if onset else worst.name].place.median(dim=0).values
        numbers = {
            "score": averaged(scores),
            "onset": Value(float(onset.resolution if onset else 0)),
            "place_row": Value(float(place[0])),
            "place_column": Value(float(place[1])),
            **{f"{key}/{layer.name}": value for layer in layers for key, value in peaks[layer.name].numbers().items()},
        }
        figures = (
            self.maps(layers, first, torch.cat(images)[:SHOWN], scores),
            self.profile(layers, peaks),
            self.intensities(worst, first[worst.name][:1]),
        )
        where = {"layer of the largest scores": worst.name, "onset layer": onset.name if onset else "none"}
        return Result(numbers, figures, where)

    def onset(self, layers: list[Layer], peaks: Mapping[str, "Peaks"]) -> Layer | None:
        """The layer of least resolution, the first of several, where most samples have a droplet."""
        found = [layer for layer in layers if peaks[layer.name].counts(self.cfg.ratio, self.cfg.share)]
        return min(found, key=lambda layer: layer.resolution, default=None)

    def maps(self, layers: list[Layer], first: Mapping[str, Tensor], images: Tensor, scores: Tensor) -> Grid:
        """Images beside the magnitudes of the last layer of every resolution, over their median."""
        last = list({layer.resolution: layer for layer in layers}.values())
        tiles: list[list[Picture | HeatMap | None]] = []
        for i, image in enumerate(images):
            row: list[Picture | HeatMap | None] = [Picture(image, f"score {float(scores[i]):.3g}")]
            for layer in last:
                m = magnitude(first[layer.name][i : i + 1])
                r, c = peak_place(m)[0].tolist()
                row.append(HeatMap(m[0] / m.median().clamp_min(1e-12), f"peak {float(peak_ratio(m)):.3g}", (r, c)))
            tiles.append(row)
        columns = ["image", *(f"{layer.name}" for layer in last)]
        caption = (
            "Magnitude over channels, in units of the map's median; rings mark peaks. Last layer of each resolution."
        )
        scale = ColourScale("magnitude over median", low=0.3, high=30.0, logarithmic=True)
        return Grid(
            "maps", "Droplets: magnitude of the activations", tiles, columns=columns, scale=scale, caption=caption
        )

    def profile(self, layers: list[Layer], peaks: Mapping[str, "Peaks"]) -> Chart:
        """The peak ratio of every layer, with the range of 90% of the samples."""
        x = [float(i) for i in range(len(layers))]
        ends = [
            torch.quantile(peaks[layer.name].ratio, torch.tensor([0.05, 0.5, 0.95], dtype=torch.float64))
            for layer in layers
        ]
        low, middle, high = torch.stack(ends).T.tolist()
        ticks = {float(i): layer.name for i, layer in enumerate(layers)}
        caption = "Median over samples; band: 5 to 95% of them."
        return Chart(
            "profile", "Droplets: peak over median magnitude, by layer", "layer", "peak over median",
            [Line("", x, middle, low, high, dots=True)], log_y=True, ticks=ticks,
            level=(self.cfg.ratio, f"counts as a droplet from {self.cfg.ratio:g}"), caption=caption,
        )  # fmt: skip

    def intensities(self, layer: Layer, x: Tensor) -> Chart:
        """Mean value of the spot, of what is bright outside it, and of the rest, channel by channel."""
        m = magnitude(x)
        inside = spot(m, peak_place(m))[0]
        brightness = x[0].abs().mean(dim=0).masked_fill(inside, -1.0)
        rest = brightness[~inside]
        bright = brightness >= (torch.quantile(rest, 0.75) if len(rest) else 0.0)
        regions = {"spot": inside, "object": bright & ~inside, "background": ~bright & ~inside}
        values = x[0, :CHANNELS].flatten(1)
        lines = [
            Line(
                name,
                list(map(float, range(len(values)))),
                values[:, region.flatten()].mean(dim=1).tolist(),
                quiet=name == "background",
            )
            for name, region in regions.items()
            if region.any()
        ]
        return Chart(
            "intensities", f"Droplets: values over channels at {layer.name}", "channel", "mean value", lines,
            caption="Spot: above half the peak around it. Object: the brightest quarter of the rest. First sample.",
        )  # fmt: skip


@dataclass(frozen=True)
class Peaks:
    """Of one layer and all samples: float64 [N] each; place [N, 2] as shares of the side."""

    ratio: Tensor
    share: Tensor
    energy: Tensor
    place: Tensor

    @classmethod
    def of(cls, x: Tensor) -> "Peaks":
        m = magnitude(x)
        place = peak_place(m)
        relative = (place.double() + 0.5) / m.shape[1]
        parts = (peak_ratio(m).double(), consistency(x, place), energy_ratio(m, place), relative)
        return cls(*(part.cpu() for part in parts))

    @classmethod
    def joined(cls, parts: list["Peaks"]) -> "Peaks":
        return cls(*(torch.cat(columns) for columns in zip(*(vars(part).values() for part in parts), strict=True)))

    @property
    def score(self) -> Tensor:
        return self.ratio * self.share

    def counts(self, ratio: float, share: float) -> bool:
        return bool(self.ratio.median() >= ratio and self.share.median() >= share)

    def numbers(self) -> dict[str, Value]:
        named = {"peak_ratio": self.ratio, "consistency": self.share, "energy_ratio": self.energy}
        return {name: averaged(values) for name, values in named.items()}
