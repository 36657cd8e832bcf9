"""Colour transforms of ADA (arXiv:2006.06676, appendix B), composed to one matrix over homogeneous colours.

Each function draws one transform [N, 4, 4]. The luma axis is (1, 1, 1) / sqrt(3), as published.
"""

from collections.abc import Callable
from functools import reduce

import torch
from torch import Tensor

from .affine import Entry, matrix
from .chance import Chance
from .geometry import Change


def brightness(chance: Chance, relative: float) -> Tensor:
    offset = chance.some("brightness", relative, chance.normal("brightness") * chance.options.brightness_std)
    return matrix(offset, (1, 0, 0, offset), (0, 1, 0, offset), (0, 0, 1, offset), (0, 0, 0, 1))


def contrast(chance: Chance, relative: float) -> Tensor:
    factor = chance.log_normal("contrast", chance.options.contrast_std)
    return around_luma(chance.some("contrast", relative, factor, neutral=1))


def luma_flip(chance: Chance, relative: float) -> Tensor:
    flipped = chance.some("luma_flip", relative, torch.floor(2 * chance.uniform("luma_flip")))
    return around_luma(torch.ones_like(flipped), luma=-2 * flipped)


def hue(chance: Chance, relative: float) -> Tensor:
    angle = chance.some("hue", relative, chance.angle("hue", chance.options.hue_max))
    return around_luma(angle.cos(), luma=1 - angle.cos(), across=angle.sin())  # Rodrigues' rotation formula


def saturation(chance: Chance, relative: float) -> Tensor:
    factor = chance.log_normal("saturation", chance.options.saturation_std)
    factor = chance.some("saturation", relative, factor, neutral=1)
    return around_luma(factor, luma=1 - factor)


def around_luma(keep: Tensor, luma: Entry = 0.0, across: Entry = 0.0) -> Tensor:
    """keep * x + luma * (x projected on the luma axis v) + across * (v x x); coefficients [N]."""
    p, q = luma / 3, across / 3**0.5
    red, green, blue = (keep + p, p - q, p + q, 0.0), (p + q, keep + p, p - q, 0.0), (p - q, p + q, keep + p, 0.0)
    return matrix(keep, red, green, blue, (0, 0, 0, 1))


# In order; gray images have no use for those that move colours around the luma axis.
FOR_GRAY: tuple[tuple[str, Callable[[Chance, float], Tensor]], ...] = (
    ("brightness", brightness),
    ("contrast", contrast),
    ("luma_flip", luma_flip),
)
FOR_COLOR = (*FOR_GRAY, ("hue", hue), ("saturation", saturation))


def color(chance: Chance, finest: torch.Size) -> Change:
    """Draws the colour change of images [N, C, H, W] with C 1 or 3."""
    matrices = [
        transform(chance, relative)
        for option, transform in (FOR_GRAY if finest[1] == 1 else FOR_COLOR)
        if (relative := chance.options.relative(option)) > 0
    ]
    if not matrices:
        return lambda image: image
    change = reduce(lambda before, after: after @ before, matrices)[:, :3]
    if finest[1] == 1:  # the luma of what would happen to a gray pixel of a colour image
        change = torch.stack([change[:, :, :3].sum((1, 2)) / 3, change[:, :, 3].mean(1)], dim=1)[:, None]
    return lambda image: _recolor(image, change)


def _recolor(image: Tensor, change: Tensor) -> Tensor:
    """[N, C, H, W] by a matrix [N, C, C + 1], whose last column is added."""
    pixels = torch.baddbmm(change[:, :, -1:], change[:, :, :-1], image.flatten(2))
    return pixels.view_as(image)
