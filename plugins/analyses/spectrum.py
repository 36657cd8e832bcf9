"""Spectrum: the average power of images at each spatial frequency, generated beside real ones.

Source: arXiv:2106.12423 appendix (average power spectra), with the constants of the published code: images in uint8
units are whitened by one mean and deviation of all real pixels, windowed (Kaiser, beta 8, unit energy), padded to four
times their width, and their |FFT|^2 is averaged over images and channels; white noise of deviation 1 has 0 dB
everywhere.
Differs: without real images the generated ones' own mean and deviation are taken. The mean over rings of equal
frequency, and the mean difference of these in dB, are ours.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from gancore.contracts import (
    Analysis,
    Chart,
    ColourScale,
    Grid,
    HeatMap,
    Line,
    PluginConfig,
    Result,
    Subject,
    Value,
)


class Spectrum(Analysis):
    """Plugin `spectrum`: average power spectra of generated and real images, as maps and as curves."""

    count: ClassVar[int] = 256
    directions: ClassVar[Mapping[str, Literal["higher", "lower"]]] = {"difference": "lower"}

    class Config(PluginConfig):
        beta: float = Field(8.0, ge=0, le=100, description="of the Kaiser window")
        pad: int = Field(4, ge=1, le=16, description="how many times as wide as the image the transform is")

    cfg: Config

    @property
    def protocol(self) -> str:
        return (
            f"uint8 images whitened by the real images' mean and std, Kaiser window of beta {self.cfg.beta:g}, "
            f"{self.cfg.pad}-fold padding, mean over images and channels, rings of whole cycles; random noise, "
            "no truncation"
        )

    def analyze(self, subject: Subject) -> Result:
        generator = subject.generator
        fakes = torch.cat([as_uint8(generator.sample(draw, label)) for draw, label in subject.draws()])
        sets = {"generated": fakes}
        if "images" in subject.provided["dataset"]:
            sets["real"] = as_uint8(subject.reals(subject.count))
        pixels = sets.get("real", fakes).double()
        mean, std = float(pixels.mean()), max(float(pixels.std(correction=0)), 1e-6)
        spectra = {name: power(images, mean, std, self.cfg.beta, self.cfg.pad) for name, images in sets.items()}
        rings = {name: decibels(rings_of(spectrum, self.cfg.pad)) for name, spectrum in spectra.items()}
        numbers = {f"rings/{name}/{f}": Value(float(v)) for name, row in rings.items() for f, v in enumerate(row)}
        numbers["highest"] = Value(float(rings["generated"][-1]))
        if "real" in rings:
            apart = (rings["generated"] - rings["real"]).abs()
            numbers["difference"] = Value(float(apart.mean()))
            numbers["difference_fine"] = Value(float(apart[len(apart) // 2 :].mean()))
        frequencies = [float(f) for f in range(len(rings["generated"]))]
        lines = [Line(name, frequencies, row.tolist(), quiet=name == "real") for name, row in rings.items()]
        caption = (
            f"Rings of equal frequency, {len(fakes)} images. White noise of the data's deviation has 0 dB everywhere."
        )
        curves = Chart(
            "rings", "Power over spatial frequency", "cycles per image width", "power, dB", lines, caption=caption
        )
        tiles = [[HeatMap(decibels(torch.fft.fftshift(spectrum)), name) for name, spectrum in spectra.items()]]
        scale = ColourScale("power, dB", low=-40, high=20)
        about = "Zero frequency in the middle; the edges are half a cycle a pixel."
        maps = Grid("maps", "Average power spectrum", tiles, scale=scale, caption=about)
        return Result(numbers, [curves, maps])


def as_uint8(images: Tensor) -> Tensor:
    """Nominal [-1, 1] to uint8, as the published code quantises: floor of 127.5 x + 128."""
    return (images.float() * 127.5 + 128).clamp(0, 255).to(torch.uint8)


def power(images: Tensor, mean: float, std: float, beta: float, pad: int, batch: int = 32) -> Tensor:
    """The average power [R pad, R pad], float64, of images uint8 [N, C, R, R]; zero frequency at [0, 0]."""
    size = images.shape[3]
    window = torch.kaiser_window(size, periodic=False, beta=beta, dtype=torch.float64, device=images.device)
    window = window / window.square().sum().sqrt()
    total = torch.zeros(size * pad, size * pad, dtype=torch.float64, device=images.device)
    for part in images.split(batch):
        x = (part.double() - mean) / std * window[:, None] * window
        total += torch.fft.fft2(x, s=(size * pad, size * pad)).abs().square().sum(dim=(0, 1))
    return total / (images.shape[0] * images.shape[1])


def rings_of(spectrum: Tensor, pad: int) -> Tensor:
    """Mean power of the rings round(|f|) = 0 to R / 2, f in cycles per image width, [R / 2 + 1]."""
    wide = spectrum.shape[0]
    f = torch.fft.fftfreq(wide, d=pad / wide, dtype=torch.float64, device=spectrum.device)  # cycles per image width
    ring = (f[:, None].square() + f.square()).sqrt().round().long()
    last = wide // pad // 2
    inside = ring <= last
    total = torch.zeros(last + 1, dtype=torch.float64, device=spectrum.device)
    counts = torch.bincount(ring[inside], minlength=last + 1)
    return total.index_add_(0, ring[inside], spectrum[inside]) / counts


def slices(spectrum: Tensor) -> tuple[Tensor, Tensor]:
    """The 0 degree and the 45 degree cut from zero frequency to the edge, in dB."""
    half = spectrum.shape[0] // 2
    db = decibels(spectrum)
    at = torch.arange(half + 1, device=spectrum.device) % spectrum.shape[0]
    return db[0, at], db[at, at]


def decibels(power: Tensor) -> Tensor:
    return 10 * power.clamp_min(1e-30).log10()
