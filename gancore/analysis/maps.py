"""Magnitude maps of activations, and their peaks.

The quantities follow what arXiv:1912.04958 section 2 and arXiv:2103.01090 show in pictures; neither has a formula, so
the definitions below are ours.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

RADIUS, LEAST = 0.05, 1.5
"""Of the disc around a peak, as a share of the map's side and in pixels: it has the 8 neighbours that a kernel sees."""


def magnitude(x: Tensor) -> Tensor:
    """The root mean square over channels of activations [N, C, H, W], float32 [N, H, W]."""
    return x.float().square().mean(dim=1).sqrt()


def peak_ratio(m: Tensor) -> Tensor:
    """Largest over median magnitude [N] of maps [N, H, W]: 1 where all pixels are alike."""
    flat = m.flatten(1)
    return flat.amax(dim=1) / flat.median(dim=1).values.clamp_min(1e-12)


def peak_place(m: Tensor) -> Tensor:
    """Row and column [N, 2] of the largest value of maps [N, H, W], in pixels."""
    at = m.flatten(1).argmax(dim=1)
    return torch.stack([at // m.shape[2], at % m.shape[2]], dim=1)


def consistency(x: Tensor, place: Tensor) -> Tensor:
    """Share [N] of the channels of [N, C, H, W] whose largest absolute value lies in the disc around `place` [N, 2]."""
    n, c, h, _ = x.shape
    own = peak_place(x.abs().flatten(0, 1)).view(n, c, 2)
    apart = (own - place[:, None]).double().square().sum(dim=2).sqrt()
    return (apart <= radius(h)).double().mean(dim=1)


def energy_ratio(m: Tensor, place: Tensor) -> Tensor:
    """The disc's share of the sum of squares of maps [N, H, W], over its share of the area, [N]."""
    inside = disc(m, place)
    energy = m.double().square()
    share = (energy * inside).sum(dim=(1, 2)) / energy.sum(dim=(1, 2)).clamp_min(1e-24)
    return share / inside.double().mean(dim=(1, 2))


def disc(m: Tensor, place: Tensor) -> Tensor:
    """Whether each pixel of [N, H, W] lies in the disc around `place` [N, 2]."""
    rows = torch.arange(m.shape[1], device=m.device)[None, :, None] - place[:, :1, None]
    columns = torch.arange(m.shape[2], device=m.device)[None, None, :] - place[:, 1:, None]
    return rows.square() + columns.square() <= radius(m.shape[1]) ** 2


def radius(side: int) -> float:
    """Of the disc, in pixels of a map of this side."""
    return max(RADIUS * side, LEAST)


def spot(m: Tensor, place: Tensor) -> Tensor:
    """The spot at `place` [N, 2] of maps [N, H, W]: pixels above half the peak, connected to it, in twice the disc."""
    n, h, w = m.shape
    peak = m[torch.arange(n), place[:, 0], place[:, 1]]
    rows = torch.arange(h, device=m.device)[None, :, None] - place[:, :1, None]
    columns = torch.arange(w, device=m.device)[None, None, :] - place[:, 1:, None]
    near = rows.square() + columns.square() <= (2 * radius(h)) ** 2
    high = (m > peak[:, None, None] / 2) & near
    found = (rows == 0) & (columns == 0)
    for _ in range(int(4 * radius(h)) + 1):  # grows by a pixel each time; it cannot be wider than the disc
        found = (F.max_pool2d(found[:, None].float(), 3, 1, 1)[:, 0] > 0) & high | found
    return found
