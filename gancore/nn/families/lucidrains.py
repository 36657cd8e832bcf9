"""What both networks of lucidrains/stylegan2-pytorch do their own way: filters at edges, and attention of linear cost.

Sources: the project's code (github.com/lucidrains/stylegan2-pytorch, version 1.9); attention: arXiv:1812.01243 (softmax
over the channels of queries and over the pixels of keys), with layer normalization (arXiv:1607.06450) over channels.
"""

from collections.abc import Iterable
from math import sqrt
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from gancore.contracts import Context
from gancore.nn.activation import activation_of
from gancore.nn.kernels.resample import filter2d, upsample2d
from gancore.nn.layers import Conv2d, Weighted, register_filter
from gancore.nn.precision import at_least_float32, full_precision
from gancore.nn.sites import resolution_problems, resolutions

HEADS, HEAD_DIM = 8, 64

AttentionSizes = Annotated[
    tuple[int, ...],
    Field(strict=False, description="sizes of images in front of whose block (of the generator) or behind whose block "
          "(of the discriminator) there is attention"),
]  # fmt: skip
"""The default is ()."""


def problems(attention: Iterable[int], context: Context) -> Iterable[str]:
    """Why networks of this resolution cannot be, or cannot have attention at these sizes."""
    yield from (found := list(resolution_problems(context.interface.resolution, least=8)))
    known = resolutions(context.interface.resolution)
    for size in attention if not found else ():
        if size not in known:
            yield f"attention {size} is not the size of a block's images; there are {', '.join(map(str, known))}"


def std_at_start(fan_in: int) -> float:
    """The standard deviation of first weights, for rectifiers (arXiv:1502.01852)."""
    return sqrt(2 / fan_in)


class Bilinear(nn.Module):
    """[N, C, H, W] to [N, C, 2 H, 2 W] by linear interpolation; pixels at the edge are repeated beyond it."""

    resample_filter: Tensor

    def __init__(self) -> None:
        super().__init__()
        register_filter(self, (1, 3, 3, 1))

    def forward(self, x: Tensor) -> Tensor:
        return upsample2d(_with_edges(x, 0), self.resample_filter, padding=-2)


class Blur(nn.Module):
    """[N, C, H, W] filtered by [1, 2, 1] to the same size; the image is mirrored beyond its edges. H, W from 2 on."""

    resample_filter: Tensor

    def __init__(self) -> None:
        super().__init__()
        register_filter(self, (1, 2, 1))

    def forward(self, x: Tensor) -> Tensor:
        return filter2d(_with_edges(x, 1), self.resample_filter, padding=-1)


def _with_edges(x: Tensor, inner: int) -> Tensor:
    """[N, C, H + 2, W + 2]: beyond each edge the pixels that are `inner` pixels from it.

    By slices, whose gradients repeat their bits on every device; those of torch's padding do not.
    """
    for dim in (2, 3):
        size = x.shape[dim]
        x = torch.cat([x.narrow(dim, inner, 1), x, x.narrow(dim, size - 1 - inner, 1)], dim)
    return x


class AttentionBlock(nn.Module):
    """x + attention(norm(x)), then x + conv1(lrelu(conv0(norm(x)))): [N, C, H, W] to the same shape."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm0, self.attention = ChannelNorm(channels), LinearAttention(channels)
        self.norm1 = ChannelNorm(channels)
        self.conv0 = _conv1x1(channels, 2 * channels, activation=activation_of("lrelu", None))
        self.conv1 = _conv1x1(2 * channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.norm0(x))
        return x + self.conv1(self.conv0(self.norm1(x)))


class ChannelNorm(nn.Module):
    """Mean 0 and variance 1 over the channels of each pixel, then a gain and a bias for each channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gain, self.bias = nn.Parameter(torch.ones(channels, 1, 1)), nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        with full_precision(x):
            y = at_least_float32(x)
            centred = y - y.mean(1, keepdim=True)
            y = centred * (centred.square().mean(1, keepdim=True) + 1e-5).rsqrt()
            return (y * self.gain + self.bias).to(x.dtype)


class LinearAttention(nn.Module):
    """Attention whose cost grows with the number of pixels, not with its square (arXiv:1812.01243 section 3.2).

    o(gelu(rho_q(q) / 8 (rho_k(k)^T v))) with 8 heads of 64 channels; rho_q is a softmax over the channels of a head,
    rho_k over all pixels. Keys and values pass through a 3x3 convolution of each channel first.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = HEADS * HEAD_DIM
        self.q = _conv1x1(channels, inner, bias=False)
        self.depthwise = Depthwise(channels)
        self.kv = _conv1x1(channels, 2 * inner, bias=False)
        self.o = _conv1x1(inner, channels)

    def forward(self, x: Tensor) -> Tensor:
        k, v = self.kv(self.depthwise(x)).chunk(2, 1)
        q, k, v = (y.flatten(2).unflatten(1, (HEADS, HEAD_DIM)) for y in (self.q(x), k, v))  # [N, 8, 64, H * W]
        with full_precision(x):
            q, k, v = (at_least_float32(y) for y in (q, k, v))
            context = k.softmax(3) @ v.mT  # [N, 8, 64, 64]
            y = context.mT @ (q.softmax(2) * HEAD_DIM**-0.5)
            y = F.gelu(y).flatten(1, 2).unflatten(2, x.shape[2:])
        return self.o(y.to(x.dtype))


class Depthwise(Weighted):
    """A 3x3 convolution of each channel by itself: [N, C, H, W] to the same shape."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.add_weight([channels, 1, 3, 3], init_std=std_at_start(9))

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.effective_weight().to(x.dtype), padding=1, groups=x.shape[1])


def _conv1x1(c_in: int, c_out: int, bias: bool = True, **options: object) -> Conv2d:
    return Conv2d(c_in, c_out, 1, bias, init_std=std_at_start(c_in), **options)  # type: ignore[arg-type]
