"""Batch normalization as unstyled networks have it: statistic, a gain of the layer's own, its bias, the activation.

A normalization of the contract ends with its statistic. Styled blocks follow it with y * y_s + y_b; here the layer
owns the gain (arXiv:1502.03167, gamma and beta), so that any normalization may stand in its place.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from gancore.contracts import Normalization, Site
from gancore.errors import PluginError
from gancore.nn.activation import LINEAR, Activation
from gancore.nn.layers import Linear, has_statistic


class Gained(Normalization):
    """The statistic of another normalization, times a learned gain per channel that starts at N(1, std)."""

    def __init__(self, inner: Normalization, std: float = 0.0) -> None:
        super().__init__(inner.cfg, inner.site)
        self.inner = inner
        self.gain = nn.Parameter(1 + std * torch.randn(inner.site.c_out))

    def statistic(self, y: Tensor, parts: int = 1) -> Tensor:
        return self.inner.statistic(y, parts) * self.gain.to(y.dtype)[:, None, None]


def gained(normalize: Callable[[Site], Normalization], std: float = 0.0) -> Callable[[Site], Normalization]:
    """`normalize`, with a learned gain after every normalization that changes activations.

    Raises PluginError, when called, for one that takes a style.
    """

    def build(site: Site) -> Normalization:
        normalization = normalize(site)
        if normalization.style_size:
            raise PluginError(f"{type(normalization).__name__} takes a style, and {site.name} has none")
        return Gained(normalization, std) if has_statistic(normalization) else normalization

    return build


class Statistic(nn.Module):
    """Statistic, bias, activation where no convolution stands right before it: [N, C, H, W] to the same shape."""

    def __init__(self, normalization: Normalization, activation: Activation = LINEAR) -> None:
        super().__init__()
        self.normalization, self.activation = normalization, activation
        self.bias = nn.Parameter(torch.zeros(normalization.site.c_out))

    def forward(self, x: Tensor, parts: int = 1) -> Tensor:
        return self.activation(self.normalization.statistic(x, parts), self.bias)


class Projection(nn.Module):
    """A latent [N, w_dim] to the first maps [N, C, r, r], normalized where a normalization is given."""

    def __init__(self, w_dim: int, channels: int, resolution: int, init_std: float, tail: Statistic | None) -> None:
        super().__init__()
        self.shape = (channels, resolution, resolution)
        self.linear = Linear(w_dim, channels * resolution**2, None if tail else 0.0, init_std=init_std)
        self.tail = tail

    def forward(self, w: Tensor) -> Tensor:
        x = self.linear(w).unflatten(1, self.shape)
        return x if self.tail is None else self.tail(x)
