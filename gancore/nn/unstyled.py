"""What follows the layers of networks without styles: statistic, a learned gain, bias, activation."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from gancore.contracts import Normalization, Site
from gancore.nn.activation import LINEAR, Activation
from gancore.nn.layers import Linear
from gancore.nn.normalized import Gained, has_statistic, scaled, scaled_maps, without_style


def gained(normalize: Callable[[Site], Normalization], std: float = 0.0) -> Callable[[Site], Normalization]:
    """`normalize`, with a learned gain after every normalization that has a statistic."""

    def build(site: Site) -> Normalization:
        normalization = normalize(site)
        return Gained(normalization, std) if has_statistic(normalization) else normalization

    return build


class StatisticLayer(nn.Module):
    """Statistic, bias, activation: [N, C, H, W] to the same shape."""

    def __init__(self, normalization: Normalization, activation: Activation = LINEAR) -> None:
        super().__init__()
        self.normalization, self.activation = without_style(normalization), activation
        self.bias = nn.Parameter(torch.zeros(normalization.site.c_out))

    def forward(self, x: Tensor, parts: int = 1, scaled_before: bool = False) -> Tensor:
        """`scaled_before`: the scales of the normalization have acted on the layer right before; else on x itself."""
        scale = None
        if not scaled_before:
            x, scale = scaled_maps(x, self.normalization)
        return self.activation(self.normalization.statistic(scaled(x, scale), parts), self.bias)


class Projection(nn.Module):
    """A latent [N, w_dim] to the first maps [N, C, r, r], normalized where a normalization is given."""

    def __init__(
        self, w_dim: int, channels: int, resolution: int, init_std: float, tail: StatisticLayer | None
    ) -> None:
        super().__init__()
        self.shape = (channels, resolution, resolution)
        self.linear = Linear(w_dim, channels * resolution**2, None if tail else 0.0, init_std=init_std)
        self.tail = tail

    def forward(self, w: Tensor) -> Tensor:
        if self.tail is None:
            return self.linear(w).unflatten(1, self.shape)
        return self.tail(self.linear(w, self.tail.normalization).unflatten(1, self.shape), scaled_before=True)
