"""Image-space corruptions of ADA (arXiv:2006.06676, appendix B): filter, additive noise, cutout."""

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from .chance import Chance
from .constant import constant
from .geometry import Change

POWER = (10 / 13, 1 / 13, 1 / 13, 1 / 13)  # expected share of each band in an image (1/f spectrum), low to high
BANDS = len(POWER)


def band_filters() -> Tensor:
    """Filters [4, 43] that split a signal into octaves, from low to high, and add up to the identity.

    They come from the autocorrelation of the wavelet sym2, the half-band filter (-1 0 9 16 9 0 -1) / 32.
    """
    low = np.array([-1, 0, 9, 16, 9, 0, -1]) / 32
    high = (np.arange(7) == 3) - low
    below, bands = np.ones(1), list[np.ndarray]()
    for octave in range(BANDS - 1):
        bands.insert(0, np.convolve(below, _spread(high, 2**octave)))
        below = np.convolve(below, _spread(low, 2**octave))
    bands.insert(0, below)
    return torch.from_numpy(np.stack([np.pad(band, (len(below) - len(band)) // 2) for band in bands]))


def _spread(taps: np.ndarray, step: int) -> np.ndarray:
    """The taps with `step` - 1 zeros between them."""
    spread = np.zeros((len(taps) - 1) * step + 1)
    spread[::step] = taps
    return spread


def image_filter(chance: Chance, finest: torch.Size) -> Change:
    """Draws gains of four frequency bands; each is followed by a factor that keeps the expected power."""
    options, relative = chance.options, chance.options.relative("filter")
    if relative == 0:
        return lambda image: image
    gains = []
    for band, strength in enumerate(options.filter_bands):
        gain = chance.log_normal(f"filter{band}", options.filter_std)
        gains.append(chance.some(f"filter{band}", relative * strength, gain, neutral=1))
    power = math.prod((1 + share * (gain.square() - 1) for share, gain in zip(POWER, gains, strict=True)), start=1.0)
    gains = [gain / power**0.5 for gain in gains]
    return lambda image: _filter(image, gains, octaves=(finest[3] // image.shape[3]).bit_length() - 1)


def _filter(image: Tensor, gains: list[Tensor], octaves: int) -> Tensor:
    """Applies the gains [N] of four bands; a scale `octaves` below the finest lacks the highest of them."""
    n, c, height, width = image.shape
    own = torch.stack([gains[max(band - octaves, 0)] for band in range(BANDS)], dim=1)
    taps = (own @ constant(band_filters, image)).repeat_interleave(c, dim=0)  # [N * C, 43]
    reach = taps.shape[1] // 2
    x = image.reshape(1, n * c, height, width)
    x = F.conv2d(_reflect(x, reach, 0), taps[:, None, None, :], groups=n * c)
    x = F.conv2d(_reflect(x, 0, reach), taps[:, None, :, None], groups=n * c)
    return x.view_as(image)


def _reflect(x: Tensor, across: int, down: int) -> Tensor:
    """Pads by reflection, over and over where the padding is wider than the image."""
    while across or down:
        w, h = min(across, x.shape[3] - 1), min(down, x.shape[2] - 1)
        x = F.pad(x, (w, w, h, h), mode="reflect")
        across, down = across - w, down - h
    return x


def noise(chance: Chance, finest: torch.Size) -> Change:
    """Draws white noise at the finest scale; coarser scales get its local means, as they do of images."""
    relative = chance.options.relative("noise")
    if relative == 0:
        return lambda image: image
    sigma = chance.some("noise", relative, chance.normal("noise").abs() * chance.options.noise_std)
    grain = chance.normal("noise.grain", *finest[1:])
    return lambda image: image + sigma.view(-1, 1, 1, 1) * _means(grain.to(image), finest[3] // image.shape[3])


def _means(grain: Tensor, factor: int) -> Tensor:
    return grain if factor == 1 else F.avg_pool2d(grain, factor)


def cutout(chance: Chance, finest: torch.Size) -> Change:
    """Draws the centre of a rectangle that is blanked."""
    relative = chance.options.relative("cutout")
    if relative == 0:
        return lambda image: image
    full = torch.full_like(chance.p, chance.options.cutout_size)
    size = chance.some("cutout", relative, full.expand(finest[0]))
    center = chance.uniform("cutout.center", 2)
    return lambda image: image * (_outside(image, 3, center[:, 0], size) | _outside(image, 2, center[:, 1], size))


def _outside(image: Tensor, axis: int, center: Tensor, size: Tensor) -> Tensor:
    """Which pixels lie outside of a stripe across an axis: [N, 1, 1, W] or [N, 1, H, 1]."""
    length = image.shape[axis]
    places = (torch.arange(length, device=image.device, dtype=image.dtype) + 0.5) / length
    outside = (places - center[:, None]).abs() >= size[:, None] / 2
    return outside[:, None, None, :] if axis == 3 else outside[:, None, :, None]
