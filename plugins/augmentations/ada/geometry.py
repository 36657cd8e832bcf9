"""Pixel blitting and geometric transforms of ADA (arXiv:2006.06676, appendix B), composed to one warp.

Each function draws one transform and returns its inverse [N, 3, 3]: where a pixel of the output comes from, in
pixels of the finest image from its centre.
"""

from collections.abc import Callable
from functools import reduce

import torch
from torch import Tensor

from .affine import rotation, scaling, translation
from .chance import Chance
from .warp import warp

Change = Callable[[Tensor], Tensor]


def xflip(chance: Chance, relative: float, width: int, height: int) -> Tensor:
    mirrored = chance.some("xflip", relative, torch.floor(2 * chance.uniform("xflip")))
    return scaling(mirrored, 1 - 2 * mirrored, 1)


def rotate90(chance: Chance, relative: float, width: int, height: int) -> Tensor:
    quarters = chance.some("rotate90", relative, torch.floor(4 * chance.uniform("rotate90")))
    return rotation(quarters * (torch.pi / 2))


def integer_translation(chance: Chance, relative: float, width: int, height: int) -> Tensor:
    shift = (2 * chance.uniform("integer_translation", 2) - 1) * chance.options.integer_translation_max
    x, y = chance.some("integer_translation", relative, shift).unbind(1)
    return translation(x, -torch.round(x * width), -torch.round(y * height))


def scale(chance: Chance, relative: float, width: int, height: int) -> Tensor:
    factor = chance.some("scale", relative, chance.log_normal("scale", chance.options.scale_std), neutral=1)
    return scaling(factor, 1 / factor, 1 / factor)


def anisotropic(chance: Chance, relative: float, width: int, height: int) -> Tensor:
    factor = chance.log_normal("anisotropic", chance.options.anisotropic_std)
    factor = chance.some("anisotropic", relative, factor, neutral=1)
    return scaling(factor, 1 / factor, factor)


def rotation_before(chance: Chance, relative: float, width: int, height: int) -> Tensor:
    return _rotation(chance, relative, "rotation_before")


def rotation_after(chance: Chance, relative: float, width: int, height: int) -> Tensor:
    return _rotation(chance, relative, "rotation_after")


def _rotation(chance: Chance, relative: float, purpose: str) -> Tensor:
    probability = 1 - (1 - relative * chance.p).clamp(0, 1).sqrt()  # so that either or both have probability p
    return rotation(chance.where(purpose, probability, chance.angle(purpose, chance.options.rotation_max)))


def fractional_translation(chance: Chance, relative: float, width: int, height: int) -> Tensor:
    shift = chance.normal("translation", 2) * chance.options.translation_std
    x, y = chance.some("translation", relative, shift).unbind(1)
    return translation(x, -x * width, -y * height)


# In order: the option that switches a transform, and the transform.
TRANSFORMS: tuple[tuple[str, Callable[[Chance, float, int, int], Tensor]], ...] = (
    ("xflip", xflip),
    ("rotate90", rotate90),
    ("integer_translation", integer_translation),
    ("scale", scale),
    ("rotation", rotation_before),
    ("anisotropic", anisotropic),
    ("rotation", rotation_after),
    ("translation", fractional_translation),
)


def geometry(chance: Chance, finest: torch.Size) -> Change:
    """Draws the warp of images whose finest scale is [N, C, H, W]."""
    height, width = finest[2:]
    inverses = [
        transform(chance, relative, width, height)
        for option, transform in TRANSFORMS
        if (relative := chance.options.relative(option)) > 0
    ]
    if not inverses:
        return lambda image: image
    inverse = reduce(torch.matmul, inverses)
    return lambda image: warp(image, _at_scale(inverse, image.shape[3] / width))


def _at_scale(inverse: Tensor, ratio: float) -> Tensor:
    """The same warp in pixels that are 1 / `ratio` times as wide."""
    like = inverse[:, 0, 0]
    return inverse if ratio == 1 else scaling(like, ratio, ratio) @ inverse @ scaling(like, 1 / ratio, 1 / ratio)
