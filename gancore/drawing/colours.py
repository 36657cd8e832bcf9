"""Colours that the eye can compare: steps of equal size look equal, and the map can be read in grey.

Both maps are straight or bent lines in OKLab (B. Ottosson, "A perceptual color space for image processing", 2020,
https://bottosson.github.io/posts/oklab), where Euclidean distance is about what one sees. The palette of lines is that
of M. Okabe and K. Ito, "Color Universal Design" (2002), for readers of every colour vision.
"""

from functools import cache

import numpy as np

PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#6a51a3", "#7f7f7f")
"""Colours of lines and bars, in the order in which they are taken. The last two are ours."""

INK, GREY = "#1a1a1a", "#767676"

_FROM_LAB = np.array(
    [[1, 0.3963377774, 0.2158037573], [1, -0.1055613458, -0.0638541728], [1, -0.0894841775, -1.291485548]]
)
_TO_RGB = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)
_DARK_TO_LIGHT = np.array(
    [
        [0.16, 0.02, -0.06],
        [0.33, 0.07, -0.13],
        [0.50, 0.17, -0.01],
        [0.66, 0.145, 0.10],
        [0.82, 0.03, 0.155],
        [0.98, -0.02, 0.05],
    ]
)
"""Places in OKLab that the sequential map passes: near black, indigo, magenta, orange, yellow, near white."""

_COLD_TO_WARM = np.array(
    [[0.38, -0.02, -0.16], [0.68, -0.05, -0.09], [0.97, 0.0, 0.0], [0.68, 0.12, 0.07], [0.42, 0.15, 0.07]]
)


@cache
def sequential() -> np.ndarray:
    """The map of magnitudes: uint8 [256, 3] from dark to light, in equal steps to the eye."""
    return _table(_DARK_TO_LIGHT)


@cache
def diverging() -> np.ndarray:
    """The map of signed values: uint8 [256, 3], blue, white at the middle, red."""
    middle = len(_COLD_TO_WARM) // 2
    return np.concatenate([_table(_COLD_TO_WARM[: middle + 1], 128), _table(_COLD_TO_WARM[middle:], 128)])


def to_srgb(lab: np.ndarray) -> np.ndarray:
    """OKLab [..., 3] to sRGB in [0, 1], clipped."""
    linear = np.clip((lab @ _FROM_LAB.T) ** 3 @ _TO_RGB.T, 0, 1)
    curve: np.ndarray = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return curve


def to_lab(srgb: np.ndarray) -> np.ndarray:
    """sRGB [..., 3] in [0, 1] to OKLab."""
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    return np.cbrt(linear @ np.linalg.inv(_TO_RGB).T) @ np.linalg.inv(_FROM_LAB).T


def _table(places: np.ndarray, colours: int = 256) -> np.ndarray:
    """Colours at equal distances along a smooth line through places in OKLab, as far as they can be shown."""
    fine = to_lab(to_srgb(_smooth(places, 4096)))
    length = np.concatenate([[0], np.linalg.norm(np.diff(fine, axis=0), axis=1).cumsum()])
    at = np.linspace(0, length[-1], colours)
    return np.round(to_srgb(np.stack([np.interp(at, length, axis) for axis in fine.T], axis=1)) * 255).astype(np.uint8)


def _smooth(places: np.ndarray, count: int) -> np.ndarray:
    """A Catmull-Rom curve through the places, [count, 3]."""
    padded = np.concatenate([2 * places[:1] - places[1:2], places, 2 * places[-1:] - places[-2:-1]])
    t = np.linspace(0, len(places) - 1 - 1e-9, count)
    i, u = t.astype(int), (t % 1)[:, None]
    a, b, c, d = (padded[i + k] for k in range(4))
    return 0.5 * (2 * b + (c - a) * u + (2 * a - 5 * b + 4 * c - d) * u**2 + (3 * b - a - 3 * c + d) * u**3)
