"""Values and gradients of `styled_statistic` in as few passes over the maps as torch's operations allow, for GPUs.

Both statistics scale x by a number, instance norm for each map and pixel norm for each pixel, so their sum and its
gradient are

    y = x * t + s[n, c],    t = a[n, c] + i[n, p] * c[n, c],    dx = g * t + x * (B[n, c] + D[n, p]) + E[n, c].

Weighted sums over pixels and channels are matrix products. PIN takes 6 passes forward and 15 backward, where term by
term takes 16 and 30 (python -m benchmarks.traffic). It adds in another order, so a CPU keeps its bits.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from gancore.nn.kernels import plain

if TYPE_CHECKING:
    from gancore.nn.kernels.styled_statistic import Instance, Pixel

    Statistics = Sequence[Instance | Pixel]


def combining_pays(x: Tensor) -> bool:
    return x.device.type != "cpu" and not plain()


def value(statistics: "Statistics", x: Tensor, styles: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
    """y, and the moments of x; styles are the scales and the shift, [N, C, 1, 1]."""
    *scales, shift = styles
    t: Tensor = x.new_zeros(())
    moments: list[Tensor] = []
    for statistic, c in zip(statistics, scales, strict=True):
        if statistic._over_pixels:
            variance, mean = torch.var_mean(x, (2, 3), correction=0, keepdim=True)
            i = (variance + statistic.eps).rsqrt()
            t, shift = t + c * i, shift - c * i * mean
            moments += [mean, i]
        else:
            norm = torch.linalg.vector_norm(x, dim=1, keepdim=True)
            i = (norm.square() / x.shape[1] + statistic.eps).rsqrt()
            t = torch.addcmul(t, i, c)
            moments += [i]
    return torch.addcmul(shift, x, t), moments


def gradients(
    statistics: "Statistics", moments: Sequence[Sequence[Tensor]], g: Tensor, x: Tensor, scales: Sequence[Tensor]
) -> tuple[Tensor, list[Tensor], Tensor]:
    """Those of x, of each scale, and of the shift, from g = dy."""
    pixels, q = x.shape[2] * x.shape[3], _rows(g * x)  # [N, H * W, C]
    ones = q.new_ones(q.shape[0], 1, q.shape[1])
    weights = [ones, *(its[0].flatten(2) for f, its in zip(statistics, moments, strict=True) if not f._over_pixels)]
    of_q, *of_q_i = torch.bmm(torch.cat(weights, 1), q).unsqueeze(-1).unsqueeze(-1).unbind(1)  # sums over pixels
    of_g = g.sum((2, 3), keepdim=True)
    t = of_map = of_pixel = constant = x.new_zeros(())
    dscales = []
    for statistic, c, its in zip(statistics, scales, moments, strict=True):
        if statistic._over_pixels:
            mean, i = its
            b = (of_q - mean * of_g) / pixels * i
            k = -c * i * i * b
            t, of_map, constant = t + c * i, of_map + k, constant - c * i * of_g / pixels - k * mean
            dscales.append(b * pixels)
        else:
            (i,) = its
            b = torch.bmm(q, c.flatten(2)).mT.view_as(i) * (i / x.shape[1])
            t, of_pixel = torch.addcmul(t, i, c), of_pixel - i * i * b
            dscales.append(of_q_i.pop(0))
    dx = torch.addcmul(constant, g, t).addcmul_(x, of_map + of_pixel)
    return dx, dscales, of_g


def _rows(x: Tensor) -> Tensor:
    """[N, C, H, W] as [N, H * W, C], a view of a channels_last tensor."""
    return x.permute(0, 2, 3, 1).flatten(1, 2)
