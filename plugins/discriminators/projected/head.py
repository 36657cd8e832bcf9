"""A head: layers that halve their input, and a 4x4 convolution for a small map of logits.

The number of layers depends on the level only: as many as lead from its map to 8x8 when images are 256 wide. Smaller
images therefore end in a smaller map.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gancore.contracts import Normalization, Normalize
from gancore.nn import Activation, Conv2d, Sites, Weighted, conv2d

WIDTHS = {8: 8, 16: 4, 32: 2, 64: 1, 128: 1, 256: 1 / 2}
"""Channels by the size of the map, for images 256 wide, relative to the width of the projection."""

LAST = 8
"""Width of the last map before the 4x4 convolution, for images 256 wide."""

LEAKY = Activation(slope=0.2)


def halvings(reduction: int) -> int:
    """Layers of a head whose level is a map of 1 / `reduction` of the image, seen at twice its size."""
    return max(round(math.log2(2 * 256 / reduction / LAST)), 0)


class Head(nn.Module):
    """[N, c_in, H, W] to [N, features, h, w]: 5x5 for images 256 wide, 4x4 for 224."""

    def __init__(
        self,
        name: str,
        c_in: int,
        layers: int,
        width: int,
        features: int,
        separable: bool,
        sites: Sites,
        normalize: Normalize,
    ) -> None:
        super().__init__()
        self.layers = [f"b{LAST << k}" for k in range(layers, 0, -1)]
        for k, layer in zip(range(layers - 1, -1, -1), self.layers, strict=True):
            c_out = max(int(WIDTHS[LAST << k] * width), 1)
            site = sites.next(f"{name}.{layer}", LAST << k, c_in, c_out)
            make = SeparableDown if separable else down
            self.add_module(layer, make(c_in, c_out, normalize(site)))
            c_in = c_out
        self.out = PlainConv(c_in, features, 4)

    def forward(self, x: Tensor, parts: int, condition: Tensor | None) -> Tensor:
        for name in self.layers:
            x = getattr(self, name)(x, parts=parts, condition=condition)
        return self.out(x)


def down(c_in: int, c_out: int, normalization: Normalization) -> Conv2d:
    """A 4x4 convolution of stride 2, normalized, leaky ReLU."""
    layer = Conv2d(c_in, c_out, 4, True, "down", None, activation=LEAKY, normalization=normalization, init_std=0)
    spread_weight(layer)
    return layer


class SeparableDown(nn.Module):
    """A 3x3 convolution of each channel, a 1x1 one over channels, normalized, leaky ReLU, mean of 2x2 pixels."""

    def __init__(self, c_in: int, c_out: int, normalization: Normalization) -> None:
        super().__init__()
        self.depthwise = PlainConv(c_in, c_in, 3, padding=1, groups=c_in)
        self.pointwise = Conv2d(c_in, c_out, 1, activation=LEAKY, normalization=normalization, init_std=0)
        spread_weight(self.pointwise)

    def forward(self, x: Tensor, parts: int, condition: Tensor | None) -> Tensor:
        return F.avg_pool2d(self.pointwise(self.depthwise(x), parts=parts, condition=condition), 2)


class PlainConv(Weighted):
    """A convolution without bias."""

    def __init__(self, c_in: int, c_out: int, kernel: int, padding: int = 0, groups: int = 1) -> None:
        super().__init__()
        self.padding, self.groups = padding, groups
        self.add_weight([c_out, c_in // groups, kernel, kernel], init_std=0)
        spread_weight(self)

    def forward(self, x: Tensor) -> Tensor:
        return conv2d(x, self.effective_weight(), padding=self.padding, groups=self.groups)


@torch.no_grad()
def spread_weight(layer: Weighted) -> None:
    """PyTorch's initialization of convolutions: uniform within 1 / sqrt(fan_in)."""
    bound = 1 / math.sqrt(layer.weight[0].numel())
    layer.weight.uniform_(-bound, bound)
