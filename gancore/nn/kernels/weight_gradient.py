"""The weight gradient of a convolution, dw[o, i, a, b] = sum_nhw g[n, o, h, w] x[n, i, h + a, w + b].

On processors with AVX2 but no AVX-512, the library's kernel for it has half the speed of its others. There this module
computes matrix products of g with the patches of x (im2col), a few rows at a time so that they stay in the cache:
a training step is 6 % shorter (benchmarks/train_step.py). Elsewhere it calls the library's kernel.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.grad import conv2d_weight

from gancore.nn.kernels import winograd

PIXELS = 2048  # patches of one matrix product
CHANNELS = 48  # from which Winograd's products are quicker


def weight_gradient(x: Tensor, g: Tensor, shape: torch.Size, stride: int, padding: int, groups: int) -> Tensor:
    """x [N, I, H, W] and g [N, O, H', W'] to dw of `shape` [O, I / groups, kh, kw]."""
    if torch.compiler.is_compiling() and x.device.type == "cpu":
        return _opaque(x, g, list(shape), stride, padding, groups)
    return _chosen(x, g, shape, stride, padding, groups)


def _chosen(x: Tensor, g: Tensor, shape: Sequence[int], stride: int, padding: int, groups: int) -> Tensor:
    """By the kernel that is the quickest."""
    if winograd.pays(x, shape, stride, padding, groups, CHANNELS):
        return winograd.weight_gradient(x, g)
    products_pay = winograd.CPU_CAPABILITY == "AVX2" and x.dtype in (torch.float32, torch.float64)
    if x.device.type == "cpu" and products_pay and groups == 1 and shape[2] > 1:
        return by_matrix_products(x, g, shape, stride, padding)
    return conv2d_weight(x, torch.Size(shape), g, stride, padding, groups=groups)


@torch.library.custom_op("gancore::weight_gradient", mutates_args=())
def _opaque(x: Tensor, g: Tensor, shape: list[int], stride: int, padding: int, groups: int) -> Tensor:
    """An operator for compiled steps, with strides that a compiler can predict."""
    return _chosen(x, g, shape, stride, padding, groups).contiguous()


@_opaque.register_fake
def _(x: Tensor, g: Tensor, shape: list[int], stride: int, padding: int, groups: int) -> Tensor:
    return x.new_empty(shape)


def by_matrix_products(x: Tensor, g: Tensor, shape: Sequence[int], stride: int, padding: int) -> Tensor:
    """The same by products [O, pixels] @ [pixels, kh * kw * I], for channels_last tensors."""
    c_out, c_in, kh, kw = shape
    images, (height, width) = len(x), g.shape[2:]
    x = x.permute(0, 2, 3, 1)
    x = F.pad(x, [0, 0, *[padding] * 4]) if padding else x  # without pads, it would copy
    x = x.contiguous()
    down, right = x.stride(1), x.stride(2)
    steps = (x.stride(0), stride * down, stride * right, down, right, 1)
    patches = x.as_strided((images, height, width, kh, kw, c_in), steps)
    g = g.permute(0, 2, 3, 1)
    dw = x.new_zeros(c_out, kh * kw * c_in)
    rows, together = max(PIXELS // width, 1), max(PIXELS // (height * width), 1)
    for first in range(0, images, together):
        for top in range(0, height, rows):
            block = slice(first, first + together), slice(top, top + rows)
            dw.addmm_(g[block].reshape(-1, c_out).T, patches[block].reshape(-1, kh * kw * c_in))
    return dw.view(c_out, kh, kw, c_in).permute(0, 3, 1, 2)
