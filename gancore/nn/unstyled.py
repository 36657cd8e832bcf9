"""The steps after the layers of networks without styles: statistic, a learned gain, bias, activation."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from gancore.contracts import Normalization, Site
from gancore.nn.activation import LINEAR, Activation
from gancore.nn.layers import Linear
from gancore.nn.normalized import Gained, has_statistic, is_conditioned, normalized, scaled, scaled_maps, without_style


def gained(normalize: Callable[[Site], Normalization], std: float = 0.0) -> Callable[[Site], Normalization]:
    """`normalize`, with a learned gain after every normalization that has a statistic and no gain of a condition."""

    def build(site: Site) -> Normalization:
        normalization = normalize(site)
        bare = has_statistic(normalization) and not is_conditioned(normalization)
        return Gained(normalization, std) if bare else normalization

    return build


class StatisticLayer(nn.Module):
    """Statistic, bias, activation: [N, C, H, W] to the same shape. If a condition shifts them, there is no bias."""

    def __init__(self, normalization: Normalization, activation: Activation = LINEAR, bias: bool = True) -> None:
        super().__init__()
        self.normalization, self.activation = without_style(normalization), activation
        bias = bias and not is_conditioned(normalization)
        self.bias = nn.Parameter(torch.zeros(normalization.site.c_out)) if bias else None

    def forward(
        self, x: Tensor, parts: int = 1, scaled_before: bool = False, condition: Tensor | None = None
    ) -> Tensor:
        """`scaled_before`: the scales of the normalization have acted on the layer right before; else on x itself."""
        scale, given = None, x
        if not scaled_before:
            x, scale = scaled_maps(x, self.normalization)
        y = normalized(self.normalization, scaled(x, scale), parts, condition)
        if y is given and self.bias is None:
            y = y.clone()  # the activation may overwrite it, and the other branch needs the input
        return self.activation(y, self.bias)


class Projection(nn.Module):
    """A latent [N, w_dim] to the first maps [N, C, r, r], normalized if there is a normalization."""

    def __init__(
        self, w_dim: int, channels: int, resolution: int, init_std: float, tail: StatisticLayer | None
    ) -> None:
        super().__init__()
        self.shape = (channels, resolution, resolution)
        self.linear = Linear(w_dim, channels * resolution**2, None if tail else 0.0, init_std=init_std)
        self.tail = tail

    def forward(self, w: Tensor, condition: Tensor | None = None) -> Tensor:
        if self.tail is None:
            return self.linear(w).unflatten(1, self.shape)
        x = self.linear(w, self.tail.normalization).unflatten(1, self.shape)
        return self.tail(x, scaled_before=True, condition=condition)
