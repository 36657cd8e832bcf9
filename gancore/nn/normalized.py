"""How a layer applies its normalization: statistic(conv(x * in_scale) * out_scale), or `conditioned` instead.

Every normalized layer uses this module, so that a normalization with only one of the three acts in every network. For
the scales, a dense layer is a convolution of one pixel; if no layer is right before the normalization (after a sum of
branches, or a constant input), it is a convolution with the identity.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gancore.contracts import Normalization
from gancore.errors import PluginError
from gancore.nn.activation import maps
from gancore.nn.kernels import plain, traced
from gancore.nn.kernels.scaled import scaled_maps as times
from gancore.nn.label import required_label
from gancore.nn.precision import in_float16


class Around(Normalization):
    """The base of wrappers of a normalization: its scales, and its statistic followed by something."""

    def __init__(self, inner: Normalization) -> None:
        super().__init__(inner.cfg, inner.site)
        self.inner = inner

    def in_scale(self, s: Tensor, weight: Tensor) -> Tensor | None:
        return self.inner.in_scale(s, weight)

    def out_scale(self, y: Tensor, s: Tensor, weight: Tensor) -> Tensor | None:
        return self.inner.out_scale(y, s, weight)


class Gained(Around):
    """Another normalization, whose statistic is followed by a learned gain per channel that starts at N(1, std).

    Batch normalization as networks without styles have it (arXiv:1502.03167, gamma; beta is the layer's bias).
    """

    def __init__(self, inner: Normalization, std: float = 0.0) -> None:
        super().__init__(inner)
        self.gain = nn.Parameter(1 + std * torch.randn(inner.site.c_out))

    def statistic(self, y: Tensor, parts: int = 1) -> Tensor:
        return self.inner.statistic(y, parts) * self.gain.to(y.dtype)[:, None, None]


def has(method: str, normalization: Normalization) -> bool:
    """Whether the normalization overrides this method: `in_scale`, `out_scale`, `statistic` or `conditioned`."""
    if isinstance(normalization, Around) and method != "conditioned":
        normalization = normalization.inner
    return getattr(type(normalization), method) is not getattr(Normalization, method)


def has_scales(normalization: Normalization) -> bool:
    return has("in_scale", normalization) or has("out_scale", normalization)


def has_statistic(normalization: Normalization) -> bool:
    return has("statistic", normalization) or is_conditioned(normalization)


def is_conditioned(normalization: Normalization) -> bool:
    """Whether it depends on the condition of its site: then it has its own gain and shift."""
    return normalization.site.condition > 0 and has("conditioned", normalization)


def normalized(normalization: Normalization, y: Tensor, parts: int, condition: Tensor | None) -> Tensor:
    """The normalized y [N, C, H, W], by `statistic` or with the condition [N, site.condition] by `conditioned`.

    Raises ValueError if the site has a condition and `condition` is None.
    """
    if not is_conditioned(normalization):
        return normalization.statistic(y, parts)
    return normalization.conditioned(y, required_label(condition, normalization.site.condition), parts)


def fuses_style(normalization: Normalization) -> bool:
    """Whether `styled` matches the `statistic`: no subclass overrides the statistic alone."""
    first = {
        method: next(i for i, cls in enumerate(type(normalization).__mro__) if method in vars(cls))
        for method in ("statistic", "styled")
    }
    return first["styled"] <= first["statistic"]


def without_style(normalization: Normalization) -> Normalization:
    """The normalization of a layer that has no style. Raises PluginError if it takes one."""
    if normalization.style_size:
        raise PluginError(f"{type(normalization).__name__} takes a style, and {normalization.site.name} has none")
    return normalization


def scaled_input(
    x: Tensor, weight: Tensor, s: Tensor, normalization: Normalization
) -> tuple[Tensor, Tensor, Callable[[Tensor], Tensor | None]]:
    """Input and weight of a convolution y, scaled by a normalization, and a function for the scale [N, out] of y.

        x, weight, out_scale = scaled_input(x, weight, s, normalization)
        y = conv2d(x, weight, padding=1)
        y = scaled(y, out_scale(y))

    `s` is the style [N, style_size]. With demodulation this is StyleGAN2's modulated convolution: scaling activations
    before and after equals scaling a weight for every sample (arXiv:1912.04958 section 2.2), which is not
    formed but for one image on a GPU.
    """
    if in_float16(x) and normalization.style_size and _undoes_its_scale(normalization):
        s, weight = _prenormalized(s, weight)
    scale, kernel = normalization.in_scale(s, weight), weight
    if scale is not None and one_weight_pays(x, weight):
        kernel = weight * scale[0, :, None, None]
    elif scale is not None:
        x = scaled(x, scale)
    return x, kernel, lambda y: normalization.out_scale(y, s, weight)


def scaled_linear(x: Tensor, weight: Tensor, normalization: Normalization) -> Tensor:
    """A dense layer between the scales of a normalization: x [N, I] and weight [C * side^2, I] to [N, C * side^2]."""
    side = math.isqrt(weight.shape[0] // normalization.site.c_out)
    kernel = weight.unflatten(0, (-1, side, side)).permute(0, 3, 1, 2)  # [C, I, side, side]
    maps_of_x, kernel, out_scale = scaled_input(x[:, :, None, None], kernel, no_style(x, weight), normalization)
    y = F.linear(maps_of_x.flatten(1), kernel.permute(0, 2, 3, 1).flatten(0, 2)).unflatten(1, (-1, side, side))
    return scaled(y, out_scale(y)).flatten(1)


def scaled_maps(x: Tensor, normalization: Normalization) -> tuple[Tensor, Tensor | None]:
    """Maps that no convolution precedes, scaled on both sides of the identity; the second scale is not applied yet."""
    if not has_scales(normalization):
        return x, None
    identity = torch.eye(x.shape[1], dtype=torch.promote_types(x.dtype, torch.float32), device=x.device)
    weight, s = identity[:, :, None, None], no_style(x, identity)
    y = scaled(x, normalization.in_scale(s, weight))
    return y, normalization.out_scale(y, s, weight)


def scaled(y: Tensor, scale: Tensor | None) -> Tensor:
    """y [N, C, H, W] times a scale [N, C]; None: no scale."""
    return y if scale is None else times(y, maps(scale, y.dtype))


def one_weight_pays(x: Tensor, weight: Tensor) -> bool:
    """Whether a weight [O, I, k, k] is scaled in place of activations x [N, I, H, W]: for one image of a GPU, where it
    has fewer numbers (and no groups already). More images would need as many, and not be channels_last."""
    if plain() or traced():
        return False
    return x.is_cuda and x.shape[0] == 1 and x.shape[1] == weight.shape[1] and weight.numel() < x.numel()


def no_style(x: Tensor, weight: Tensor) -> Tensor:
    """The style [N, 0] of layers that have none."""
    return weight.new_zeros(x.shape[0], 0)


def _undoes_its_scale(normalization: Normalization) -> bool:
    """Whether factors of style and weight cancel: `out_scale` divides by what `in_scale` multiplies."""
    return has("in_scale", normalization) and has("out_scale", normalization)


def _prenormalized(s: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Style [N, I] and weight [O, I, k, k] of a size whose products and sums stay small (code of arXiv:2006.06676)."""
    with torch.no_grad():  # what is multiplied here is divided out again, so it has no gradient
        largest = torch.linalg.vector_norm(weight, math.inf, (1, 2, 3), keepdim=True).clamp_min(1e-12)
        largest *= math.sqrt(weight[0].numel())
        largest_style = torch.linalg.vector_norm(s, math.inf, 1, keepdim=True).clamp_min(1e-12)
    return s / largest_style, weight / largest
