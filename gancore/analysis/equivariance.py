"""Equivariance of a generator: how well an image moves with the input of its synthesis network.

Source: arXiv:2106.12423 section 2.2 and appendix E, with the constants of the published code. EQ-T and EQ-R are peak
signal-to-noise ratios, 10 log10(4 / mean squared difference) for images in [-1, 1], of an image that was moved against
the image of a moved input, where the move leaves pixels to compare. Golden s01 agrees.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from gancore.nn import upfirdn2d, upsample2d

LOBES = 3
"""Of the Lanczos windows."""
UP = 4
"""How many times images are enlarged before they are rotated."""
FAR = 64
"""Half width, in pixels, of the grid that filters are made on."""
LEAST = 1e-20
"""Mean squared difference below which images are called equal (206 dB)."""


@dataclass
class Psnr:
    """Gathers squared differences: one ratio over all samples and pixels, which is not the mean of single ratios."""

    squares: float = 0.0
    pixels: float = 0.0

    def add(self, reference: Tensor, test: Tensor, mask: Tensor) -> None:
        """Images [N, C, H, W]; mask [H, W], 1 where they are compared."""
        self.squares += float(((reference - test).double().square() * mask).sum())
        self.pixels += float(mask.double().sum()) * reference.shape[0] * reference.shape[1]

    @property
    def decibels(self) -> float:
        return 10 * math.log10(4 / max(self.squares / max(self.pixels, 1.0), LEAST))


def shifted(x: Tensor, tx: float, ty: float) -> tuple[Tensor, Tensor]:
    """x [N, C, H, W] moved by whole pixels, the nearest to shares of width and height; and the mask [H, W]."""
    h, w = x.shape[2:]
    dx, dy = round(tx * w), round(ty * h)
    moved, mask = torch.zeros_like(x), torch.zeros(h, w, dtype=x.dtype, device=x.device)
    to = (slice(max(dy, 0), h + min(dy, 0)), slice(max(dx, 0), w + min(dx, 0)))
    moved[:, :, to[0], to[1]] = x[:, :, max(-dy, 0) : h - max(dy, 0), max(-dx, 0) : w - max(dx, 0)]
    mask[to] = 1
    return moved, mask


def moved_by_fractions(x: Tensor, tx: float, ty: float) -> tuple[Tensor, Tensor]:
    """x [N, C, H, W] moved by any share of width and height, by a Lanczos filter; and the mask [H, W]."""
    h, w = x.shape[2:]
    mask = torch.zeros(h, w, dtype=x.dtype, device=x.device)
    rows, columns = (_seen(math.floor(t * n), n) for t, n in ((ty, h), (tx, w)))
    mask[rows.start : rows.stop, columns.start : columns.stop] = 1
    return _moved(_moved(x, tx * w, 3), ty * h, 2), mask


def _seen(whole: int, size: int) -> range:
    """Places whose six neighbours were all inside of the image before it moved."""
    return range(max(whole + LOBES, 0), size + min(whole - LOBES + 1, 0))


def _moved(x: Tensor, by: float, dim: int) -> Tensor:
    """Output at p: the sum over n of input at n times L(p - n - by), with six taps that sum to 1."""
    whole = math.floor(by)
    offsets = [whole + k for k in range(-LOBES + 1, LOBES + 1)]  # p - n
    d = torch.tensor([o - by for o in offsets], dtype=x.dtype, device=x.device)
    taps = torch.sinc(d) * torch.sinc(d / LOBES)
    taps = taps / taps.sum()
    size = x.shape[dim]
    total = torch.zeros_like(x)
    for offset, tap in zip(offsets, taps, strict=True):
        if abs(offset) < size:
            source = x.narrow(dim, max(-offset, 0), size - abs(offset))
            total.narrow(dim, max(offset, 0), size - abs(offset)).add_(source * tap)
    return total


def rotation(angle: float, dtype: torch.dtype = torch.float64) -> Tensor:
    """[[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]]."""
    c, s = math.cos(angle), math.sin(angle)
    return torch.tensor([[c, s, 0], [-s, c, 0], [0, 0, 1]], dtype=dtype)


def band_limit(matrix: Tensor, up: int) -> Tensor:
    """The filter [2 * 6 * up - 1] squared that keeps what both an image and the transformed one can show."""
    n = FAR * up
    at = (torch.arange(-n + 1, n, dtype=torch.float64) / up).roll(1 - n)  # 0 first, as transforms want it
    y, x = torch.meshgrid(at, at, indexing="ij")
    out = torch.stack([x, y], dim=2) @ matrix[:2, :2].double().T
    sincs, windows = ([f(x) * f(y), f(out[..., 0]) * f(out[..., 1])] for f in (torch.sinc, _window))
    taps = _convolved(*sincs) * _convolved(*windows)
    reach = 2 * LOBES * up
    taps = taps.roll((n - 1, n - 1), (0, 1))[n - reach : -(n - reach) or None, n - reach : -(n - reach) or None]
    phases = F.pad(taps, (0, 1, 0, 1)).reshape(4 * LOBES, up, 4 * LOBES, up)
    phases = phases / phases.sum(dim=(0, 2), keepdim=True) / up**2
    return phases.reshape(2 * reach, 2 * reach)[:-1, :-1]


def rotated(x: Tensor, angle: float) -> tuple[Tensor, Tensor]:
    """x [N, C, H, W] rotated about its middle, band-limited; and the mask [H, W]."""
    matrix = rotation(angle)
    taps = band_limit(matrix, UP).to(x)
    p = (taps.shape[0] - 1) // 2
    large = upsample2d(x, taps, up=UP, padding=p)
    n, _, h, w = x.shape
    theta = torch.linalg.inv(matrix)
    theta[:2, 2] *= 2
    theta[0, 2] += 1 / (UP * w)
    theta[1, 2] += 1 / (UP * h)
    theta[0] *= w / (w + 2 * p / UP)
    theta[1] *= h / (h + 2 * p / UP)
    grid = F.affine_grid(theta[None, :2].to(x).expand(n, -1, -1), [n, 1, h, w], align_corners=False)
    moved = F.grid_sample(large, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    border = 2 * p + 1
    inside = torch.zeros_like(large[:1, :1])
    inside[..., border:-border, border:-border] = 1
    mask = F.grid_sample(inside, grid[:1], mode="nearest", padding_mode="zeros", align_corners=False)[0, 0]
    return moved, mask


def pseudo_rotated(x: Tensor, angle: float) -> tuple[Tensor, Tensor]:
    """x with the band limits of an image that was rotated, without rotating it; and the mask [H, W]."""
    taps = band_limit(rotation(-angle), 1).to(x)
    p = (taps.shape[0] - 1) // 2
    mask = torch.zeros(x.shape[2:], dtype=x.dtype, device=x.device)
    mask[p:-p, p:-p] = 1
    return upfirdn2d(x, taps, padding=p), mask


def _window(x: Tensor) -> Tensor:
    """sinc(x / 3) within three of the middle, else 0."""
    return torch.where(x.abs() < LOBES, torch.sinc(x / LOBES), torch.zeros_like(x))


def _convolved(a: Tensor, b: Tensor) -> Tensor:
    found: Tensor = torch.fft.ifft2(torch.fft.fft2(a) * torch.fft.fft2(b)).real
    return found
