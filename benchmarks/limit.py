"""The machine's own limit: how fast it convolves in float32, for the 3x3 convolutions of the measured networks."""

import math
from functools import partial

import torch
from torch.nn import functional as F

from benchmarks.configuration import BATCH, CHANNEL_BASE, WIDTH
from benchmarks.iteration import Phases


def shapes(resolution: int) -> list[tuple[int, int]]:
    """Channels and resolutions from 8 on (8 alone below); smaller images are small work."""
    return [
        (min(CHANNEL_BASE // r, WIDTH), r) for r in (2**k for k in range(3, max(3, int(math.log2(resolution))) + 1))
    ]


def limit_phases(resolution: int) -> Phases:
    """One convolution each, of channels_last activations."""
    phases: Phases = {}
    for channels, r in shapes(resolution):
        x = torch.randn(2 * BATCH, channels, r, r).contiguous(memory_format=torch.channels_last)
        weight = torch.randn(channels, channels, 3, 3)
        phases[f"{channels} channels at {r}x{r}"] = partial(_convolve, x, weight)
    return phases


def limit_flops(resolution: int) -> dict[str, float]:
    return {f"{c} channels at {r}x{r}": 2.0 * 2 * BATCH * r * r * c * c * 9 for c, r in shapes(resolution)}


@torch.no_grad()
def _convolve(x: torch.Tensor, weight: torch.Tensor) -> None:
    F.conv2d(x, weight, padding=1)
