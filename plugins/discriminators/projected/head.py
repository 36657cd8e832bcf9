"""A head: convolutions of stride 2 down to 8x8, and one more for a small map of logits."""

import math

from torch import Tensor, nn

from gancore.contracts import Normalize
from gancore.nn.activation import Activation
from gancore.nn.convolution import conv2d
from gancore.nn.layers import Conv2d, Weighted
from gancore.nn.sites import Sites

WIDTHS = {8: 8, 16: 4, 32: 2, 64: 1, 128: 1, 256: 1 / 2, 512: 1 / 4, 1024: 1 / 8}
"""Channels of a head by the size of its map, nearest power of two, relative to the width of the projection."""

LAST = 8
LEAKY = Activation(slope=0.2)


def halvings(size: int) -> int:
    """Layers of stride 2 from a map of this size to 8x8, in whole octaves."""
    return max(round(math.log2(size / LAST)), 0)


class Head(nn.Module):
    """[N, c_in, size, size] to [N, features, h, w], 5x5 for a size that is a power of two."""

    def __init__(
        self, name: str, c_in: int, size: int, width: int, features: int, sites: Sites, normalize: Normalize
    ) -> None:
        super().__init__()
        self.layers: list[str] = []
        for k in reversed(range(halvings(size))):
            c_out = max(int(WIDTHS[LAST * 2**k] * width), 1)
            site = sites.next(f"{name}.b{LAST * 2 ** (k + 1)}", LAST * 2**k, c_in, c_out)
            layer = Conv2d(
                c_in, c_out, 4, True, "down", None, activation=LEAKY, normalization=normalize(site), init_std=std(c_in)
            )
            self.layers.append(f"b{LAST * 2 ** (k + 1)}")
            self.add_module(self.layers[-1], layer)
            c_in = c_out
        self.out = Unpadded(c_in, features)

    def forward(self, x: Tensor, parts: int = 1) -> Tensor:
        for name in self.layers:
            x = getattr(self, name)(x, parts=parts)
        return self.out(x)


class Unpadded(Weighted):
    """A 4x4 convolution without padding or bias."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.add_weight([c_out, c_in, 4, 4], init_std=std(c_in))

    def forward(self, x: Tensor) -> Tensor:
        return conv2d(x, self.effective_weight())


def std(c_in: int) -> float:
    """The standard deviation of PyTorch's first weights of a 4x4 convolution."""
    return 1 / math.sqrt(3 * c_in * 4**2)
