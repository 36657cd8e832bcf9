"""Minibatch standard deviation: one more channel, which measures how different the images of a group are.

Source: arXiv:1710.10196 section 3; groups as in the code of arXiv:1912.04958: strided, so that the images
n, n + N / G, n + 2 N / G, ... of N form a group of G.
"""

import torch
from torch import Tensor, nn

from gancore.nn import processes
from gancore.nn.precision import at_least_float32


class MinibatchStd(nn.Module):
    """[N, C, H, W] to [N, C + channels, H, W]."""

    def __init__(self, group_size: int | None = 4, channels: int = 1, eps: float = 1e-8) -> None:
        """`group_size` None: one group. Each of the new `channels` measures its share of the old ones."""
        super().__init__()
        self.group_size, self.channels, self.eps = group_size, channels, eps

    def forward(self, x: Tensor, parts: int = 1) -> Tensor:
        """Groups lie within each of `parts` equal parts of the batch, that of all processes of a run."""
        n, c, h, w = x.shape
        y = processes.gathered(at_least_float32(x).unflatten(0, (parts, -1)), dim=1)
        group = group_size(y.shape[1], self.group_size)
        y = y.reshape(parts, group, -1, self.channels, c // self.channels, h, w)
        variance = (y - y.mean(1, keepdim=True)).square().mean(1)
        std = (variance + self.eps).sqrt()  # [parts, groups, channels, C / channels, H, W]
        mean = std.mean(dim=(3, 4, 5)).to(x.dtype)  # [parts, groups, channels]
        mean = mean[:, None].expand(-1, group, -1, -1).flatten(1, 2)  # [parts, N / parts, channels]
        mean = processes.own(mean, dim=1).reshape(n, self.channels, 1, 1)
        return torch.cat([x, mean.expand(-1, -1, h, w)], dim=1)


def group_size(n: int, wanted: int | None) -> int:
    """The largest divisor of `n` from 2 to `wanted`, else `n`: groups are equal, and a group of one is meaningless."""
    return next((size for size in range(min(wanted or n, n), 1, -1) if n % size == 0), n)
