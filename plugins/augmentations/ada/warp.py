"""The warp of an image without aliasing: upsample twofold, sample bilinearly, downsample twofold.

Source: arXiv:2006.06676, appendix B: reflecting borders, and the orthogonal wavelet sym6 as the low-pass filter.
"""

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from gancore.nn import downsample2d, setup_filter, upsample2d

from .affine import scaling, translation
from .constant import constant

# The scaling filter of the wavelet sym6 (I. Daubechies, Ten Lectures on Wavelets, table 6.3), sum sqrt(2).
SYM6 = (
    0.015404109327027373,
    0.0034907120842174702,
    -0.11799011114819057,
    -0.048311742585633,
    0.4910559419267466,
    0.787641141030194,
    0.3379294217276218,
    -0.07263752278646252,
    -0.021060292512300564,
    0.04472490177066578,
    0.0017677118642428036,
    -0.007800708325034148,
)
REACH = len(SYM6) // 4  # pixels that the filter reaches beyond the output


def low_pass() -> Tensor:
    """[12], float32 as published."""
    return setup_filter(SYM6)


def warp(image: Tensor, inverse: Tensor) -> Tensor:
    """[N, C, H, W] to the same shape; `inverse` [N, 3, 3] maps output to input, in pixels from the centre."""
    height, width = image.shape[2:]
    left, right, top, bottom = _margins(inverse, width, height)
    taps = constant(low_pass, image)
    fine = upsample2d(F.pad(image, (left, right, top, bottom), mode="reflect"), taps)
    like = inverse[:, 0, 0]
    inverse = translation(like, (left - right) / 2, (top - bottom) / 2) @ inverse

    # To pixels of the fine image, whose samples lie half a pixel off, and then to the range -1 ... 1 of a grid.
    inverse = scaling(like, 2, 2) @ inverse @ scaling(like, 0.5, 0.5)
    inverse = translation(like, -0.5, -0.5) @ inverse @ translation(like, 0.5, 0.5)
    shape = (*image.shape[:2], 2 * (height + 2 * REACH), 2 * (width + 2 * REACH))
    inverse = scaling(like, 2 / fine.shape[3], 2 / fine.shape[2]) @ inverse @ scaling(like, shape[3] / 2, shape[2] / 2)
    grid = F.affine_grid(inverse[:, :2], list(shape), align_corners=False)
    sampled: Tensor = _Sample.apply(fine, grid)
    return downsample2d(sampled, taps, padding=-2 * REACH, flip_filter=True)


def _margins(inverse: Tensor, width: int, height: int) -> tuple[int, int, int, int]:
    """How far the widest warp of the batch reaches beyond the image: left, right, top, bottom, in pixels."""
    if inverse.device.type != "cpu":  # reading the reach would make the host wait for the device
        return width - 1, width - 1, height - 1, height - 1
    sides = []
    for axis, size in enumerate((width, height)):
        row = inverse[:, axis]
        reach = row[:, 0].abs() * ((width - 1) / 2) + row[:, 1].abs() * ((height - 1) / 2)  # of the image's corners
        for shift in (-row[:, 2], row[:, 2]):
            margin = (reach + shift).max().item() - (size - 1) / 2 + 2 * REACH
            sides.append(math.ceil(min(max(margin, 0), size - 1)))
    left, right, top, bottom = sides
    return left, right, top, bottom


class _Sample(torch.autograd.Function):
    """Bilinear sampling, zero outside; unlike torch's own, differentiable twice (by the image, not by the grid)."""

    @staticmethod
    def forward(ctx: Any, image: Tensor, grid: Tensor) -> Tensor:
        ctx.save_for_backward(grid)
        ctx.shape = image.shape
        return F.grid_sample(image, grid, mode="bilinear", padding_mode="zeros", align_corners=False)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (grid,) = ctx.saved_tensors
        return _Scatter.apply(gradient, grid, ctx.shape), None


class _Scatter(torch.autograd.Function):
    """The transpose of `_Sample`, and linear like it: its derivative is `_Sample` again."""

    @staticmethod
    def forward(ctx: Any, gradient: Tensor, grid: Tensor, shape: torch.Size) -> Tensor:
        ctx.save_for_backward(grid)
        image = gradient.new_zeros(()).expand(shape)  # only its shape matters
        bilinear, zeros, align_corners = 0, 0, False
        scattered, _ = torch.ops.aten.grid_sampler_2d_backward(
            gradient, image, grid, bilinear, zeros, align_corners, (True, False)
        )
        return scattered

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (grid,) = ctx.saved_tensors
        return _Sample.apply(gradient, grid), None, None
