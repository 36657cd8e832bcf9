"""Random projections: feature maps mixed over channels (CCM) and, from coarse to fine, over scales (CSM).

Source: arXiv:2111.01007 section 3.2. The weights are never trained. They are small, and kept in checkpoints, so that
a continued run has the same ones.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gancore.nn import conv2d


class FixedMix(nn.Module):
    """A 1x1 convolution that keeps PyTorch's initial weights: [N, in, H, W] to [N, out, H, W]."""

    weight: Tensor
    bias: Tensor

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        bound = 1 / math.sqrt(c_in)
        self.register_buffer("weight", torch.empty(c_out, c_in, 1, 1).uniform_(-bound, bound))
        self.register_buffer("bias", torch.empty(c_out).uniform_(-bound, bound))

    def forward(self, x: Tensor) -> Tensor:
        return conv2d(x, self.weight, self.bias)


class RandomProjection(nn.Module):
    """One map a level, fine to coarse, to as many of twice their size: [N, channels[i], 2 H_i, 2 W_i]."""

    def __init__(self, c_in: Sequence[int], width: int) -> None:
        """The finest level gets `width` channels, each coarser one twice as many."""
        super().__init__()
        widths = [width * 2**i for i in range(len(c_in))]
        self.channels = [widths[max(i - 1, 0)] for i in range(len(c_in))]
        self.across_channels = nn.ModuleList(map(FixedMix, c_in, widths))
        self.across_scales = nn.ModuleList(map(FixedMix, widths, self.channels))

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        mixed = [mix(x) for mix, x in zip(self.across_channels, features, strict=True)]
        outputs: list[Tensor] = []
        x = torch.zeros_like(mixed[-1])
        for i in reversed(range(len(mixed))):
            x = x + mixed[i]
            height, width = mixed[i - 1].shape[2:] if i else (2 * n for n in x.shape[2:])
            x = F.interpolate(x, size=(height, width), mode="bilinear", align_corners=True)
            x = self.across_scales[i](x)
            outputs.append(x)
        return outputs[::-1]
