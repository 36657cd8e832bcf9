"""3x3 convolutions with a quarter of the multiplications: Winograd's minimal filtering F(4x4, 3x3).

Source: arXiv:1509.09308 (Lavin and Gray) section 4, with the points 0, 1, -1, 2, -2. Tiles of 6x6 inputs and kernels
are transformed to 36 values each; there a convolution is 36 small matrix products, and 4x4 outputs are transformed
back. The transforms are sums along the rows, then the columns of a tile, which cost as much for few channels as for
many: so it pays from some channels on (docs/performance.md). It is the same sum in another order; in float32 its
relative error is 2e-6, where the direct one has 5e-7. Float64 is always computed directly.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

TILES = 256  # of 4x4 pixels, transformed at a time: so few that they stay in the cache
SMALLEST = 16  # height and width from which it pays
CPU_CAPABILITY = torch.backends.cpu.get_cpu_capability()

Parts = Sequence[Tensor]
Transform = Callable[[Parts, Parts], None]

KERNEL = torch.tensor(
    [[1 / 4, 0, 0], [-1 / 6, -1 / 6, -1 / 6], [-1 / 6, 1 / 6, -1 / 6], [1 / 24, 1 / 12, 1 / 6],
     [1 / 24, -1 / 12, 1 / 6], [0, 0, 1]], dtype=torch.float64)  # fmt: skip


def pays(x: Tensor, shape: Sequence[int], stride: int, padding: int, groups: int, channels: int) -> bool:
    """Whether a convolution of x with a weight of this shape is cheaper so, from that many `channels` on."""
    fits = (*shape[2:], stride, padding, groups) == (3, 3, 1, 1, 1) and not any(n % 4 for n in x.shape[2:])
    large = min(*shape[:2]) >= channels and min(x.shape[2:]) >= SMALLEST
    avx2 = CPU_CAPABILITY == "AVX2"  # where it was measured
    return fits and large and avx2 and x.device.type == "cpu" and x.dtype == torch.float32


def convolution(x: Tensor, weight: Tensor) -> Tensor:
    """x [N, I, H, W] and weight [O, I, 3, 3] to [N, O, H, W], padded by 1, channels_last.

    Compiled steps call it as an operator: writing into slices is quick here, but no compiler handles it well.
    """
    return _opaque(x, weight) if torch.compiler.is_compiling() else _convolution(x, weight)


def _convolution(x: Tensor, weight: Tensor) -> Tensor:
    c_out, c_in = weight.shape[:2]
    kernel = (_kernel(weight) @ weight.permute(2, 3, 1, 0).reshape(9, -1)).view(36, c_in, c_out)
    size = (len(x), c_out, *x.shape[2:])
    y = torch.empty(size, dtype=x.dtype, device=x.device, memory_format=torch.channels_last)
    together = _together(x)
    for part, out in zip(_images(x).split(together), _images(y).split(together), strict=True):
        tiles = _input_tiles(part)
        products = torch.bmm(tiles.view(36, -1, c_in), kernel)
        _write_output(products.view(*tiles.shape[:-1], c_out), out)
    return y


@torch.library.custom_op("gancore::winograd_convolution", mutates_args=())
def _opaque(x: Tensor, weight: Tensor) -> Tensor:
    return _convolution(x, weight)


@_opaque.register_fake
def _(x: Tensor, weight: Tensor) -> Tensor:
    size = (len(x), len(weight), *x.shape[2:])
    return torch.empty(size, dtype=x.dtype, device=x.device, memory_format=torch.channels_last)


def weight_gradient(x: Tensor, g: Tensor) -> Tensor:
    """x [N, I, H, W] and g [N, O, H, W] to the gradient [O, I, 3, 3] of the weight."""
    c_in, c_out, together = x.shape[1], g.shape[1], _together(x)
    dw = x.new_zeros(36, c_out, c_in)
    for part, gradient in zip(_images(x).split(together), _images(g).split(together), strict=True):
        tiles = _tiles(gradient, 4, _gradient_points)
        dw.baddbmm_(tiles.view(36, -1, c_out).mT, _input_tiles(part).view(36, -1, c_in))
    return (_kernel(x).T @ dw.view(36, -1)).view(3, 3, c_out, c_in).permute(2, 3, 0, 1)


def _images(x: Tensor) -> Tensor:
    """[N, H, W, C]."""
    return x.permute(0, 2, 3, 1)


def _together(x: Tensor) -> int:
    return max(TILES * 16 // (x.shape[2] * x.shape[3]), 1)


def _kernel(like: Tensor) -> Tensor:
    """[36, 9], of both axes."""
    return torch.kron(KERNEL, KERNEL).to(like)


def _input_tiles(x: Tensor) -> Tensor:
    """x [n, H, W, C] to [6, 6, n, H / 4, W / 4, C]."""
    return _tiles(F.pad(x, [0, 0, 1, 1, 1, 1]), 6, _input_points)


def _tiles(x: Tensor, size: int, transform: Transform) -> Tensor:
    """Squares of `size` pixels, four pixels apart, transformed along rows, then columns."""
    n, height, width, c = x.shape
    down, right = height // 4, width // 4
    rows = x.new_empty(6, n, down, width, c)
    transform([x[:, i : i + 4 * down - 3 : 4] for i in range(size)], rows.unbind())
    tiles = x.new_empty(6, 6, n, down, right, c)
    transform([rows[:, :, :, j : j + 4 * right - 3 : 4] for j in range(size)], tiles.unbind(1))
    return tiles


def _write_output(products: Tensor, y: Tensor) -> None:
    """[6, 6, n, H / 4, W / 4, C] to y [n, H, W, C]."""
    n, down, right, c = products.shape[2:]
    rows = products.new_empty(4, 6, n, down, right, c)
    _output_points(products.unbind(), rows.unbind())
    _output_points(rows.unbind(1), y.view(n, down, 4, right, 4, c).permute(4, 2, 0, 1, 3, 5).unbind())


def _input_points(d: Parts, out: Parts) -> None:
    """B^T d, equation 15."""
    even, odd = torch.add(d[4], d[2], alpha=-4), torch.add(d[3], d[1], alpha=-4)
    torch.add(even, odd, out=out[1])
    torch.sub(even, odd, out=out[2])
    torch.sub(d[4], d[2], out=even)
    torch.sub(d[3], d[1], out=odd)
    torch.add(even, odd, alpha=2, out=out[3])
    torch.add(even, odd, alpha=-2, out=out[4])
    torch.add(d[4], d[2], alpha=-5, out=out[0]).add_(d[0], alpha=4)
    torch.add(d[5], d[3], alpha=-5, out=out[5]).add_(d[1], alpha=4)


def _output_points(m: Parts, out: Parts) -> None:
    """A^T m, equation 15."""
    even, odd, even2, odd2 = m[1] + m[2], m[1] - m[2], m[3] + m[4], m[3] - m[4]
    torch.add(m[0], even, out=out[0]).add_(even2)
    torch.add(odd, odd2, alpha=2, out=out[1])
    torch.add(even, even2, alpha=4, out=out[2])
    torch.add(odd, odd2, alpha=8, out=out[3]).add_(m[5])


def _gradient_points(g: Parts, out: Parts) -> None:
    """A g, the transpose of the output transform."""
    even, odd = g[0] + g[2], g[1] + g[3]
    torch.add(even, odd, out=out[1])
    torch.sub(even, odd, out=out[2])
    torch.add(g[0], g[2], alpha=4, out=even)
    torch.add(g[1], g[3], alpha=4, out=odd)
    torch.add(even, odd, alpha=2, out=out[3])
    torch.add(even, odd, alpha=-2, out=out[4])
    out[0].copy_(g[0])
    out[5].copy_(g[3])
