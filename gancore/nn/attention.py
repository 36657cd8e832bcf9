"""Self-attention between the pixels of a feature map.

Source: arXiv:1805.08318 (SAGAN) equations 1 to 3, with the widths and the pooling of its code and of BigGAN's
(arXiv:1809.11096), which the paper leaves out: keys and values are the largest of 2x2 pixels.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gancore.nn.layers import Conv2d
from gancore.nn.precision import at_least_float32, full_precision


class SelfAttention(nn.Module):
    """x + gamma * o(softmax(theta(x)^T phi(x)) g(x)): [N, C, H, W] to the same shape, H and W at least 2.

    theta and phi have C / 8 channels, g has C / 2; all are 1x1 convolutions without bias. gamma starts at 0, so a new
    block is the identity. Memory grows with (H * W)^2 / 4.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        keys, values = max(channels // 8, 1), max(channels // 2, 1)
        self.theta, self.phi = _conv1x1(channels, keys), _conv1x1(channels, keys)
        self.g, self.o = _conv1x1(channels, values), _conv1x1(values, channels)
        self.gamma = nn.Parameter(torch.zeros([]))

    def forward(self, x: Tensor) -> Tensor:
        queries = self.theta(x).flatten(2)  # [N, C / 8, H * W]
        keys, values = (F.max_pool2d(y, 2).flatten(2) for y in (self.phi(x), self.g(x)))
        with full_precision(x):
            queries, keys, values = (at_least_float32(y) for y in (queries, keys, values))
            shares = (queries.mT @ keys).softmax(2)  # [N, H * W, H * W / 4]
            y = (values @ shares.mT).unflatten(2, x.shape[2:])
        return torch.addcmul(x, self.o(y.to(x.dtype)).to(x.dtype), self.gamma.to(x.dtype))


def _conv1x1(c_in: int, c_out: int) -> Conv2d:
    return Conv2d(c_in, c_out, 1, bias=False, init_std=1 / math.sqrt(c_in))
