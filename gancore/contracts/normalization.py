"""The contract of normalizations: one instance per layer, in styled and unstyled networks alike."""

from typing import Any

import torch
from torch import Tensor

from gancore.contracts.part import Part
from gancore.contracts.types import Site


class Normalization(Part):
    """What a layer does to keep the magnitude of its activations in bounds.

    Scales are returned, not applied, so that the block may fuse them into its convolution. A layer computes

    y = conv(x * in_scale) * out_scale,    then statistic(...) where the topology has it,

    and in a styled block a normalization with `style_size` 0 is followed by the block's own `y * y_s + y_b`, so
    that the latent always reaches the image: AdaIN is an instance statistic plus that style.

    A normalization that depends on the label overrides `conditioned`, which replaces `statistic` at sites with a
    condition: those of networks without styles that have labels. In a styled layer the style contains the label.

    One of them is enough: a layer applies those that a class overrides. For the scales, a dense layer is a
    convolution of one pixel; without a layer (after a constant input or a sum of branches) it is the identity.
    """

    style_size: int = 0
    """Coefficients taken from the style affine; 0: a statistic without a style."""

    def __init__(self, cfg: Any, site: Site) -> None:
        super().__init__()
        self.cfg, self.site = cfg, site

    def in_scale(self, s: Tensor, weight: Tensor) -> Tensor | None:
        """Scale [N, C_in] of the convolution's input, from the style `s` [N, style_size]; None: no scale.

        `weight` is the effective convolution weight [C_out, C_in, kh, kw]; [C_out, C_in / groups, kh, kw] with groups.
        """
        return None

    def out_scale(self, y: Tensor, s: Tensor, weight: Tensor) -> Tensor | None:
        """Scale [N, C_out] of the convolution's output `y` [N, C_out, H, W]; None: no scale."""
        return None

    def statistic(self, y: Tensor, parts: int = 1) -> Tensor:
        """Normalized activations, [N, C, H, W] to the same shape.

        Statistics over the batch are taken within each of `parts` equal parts of it (reals apart from fakes).
        """
        return y

    def conditioned(self, y: Tensor, condition: Tensor, parts: int = 1) -> Tensor:
        """Normalized activations where there is a condition [N, site.condition]: a label, its embedding, a latent.

        Default: the statistic alone.

        A class that overrides it has its own gain and shift: networks add neither after it.
        """
        return self.statistic(y, parts)

    def styled(self, y: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        """statistic(y) * scale + shift, with the block's own style [N, C] each.

        `gancore.nn.FusedNormalization` computes it in one pass. For a class that overrides `statistic` but not
        `styled`, networks use this form, even if its parent has another.
        """
        return torch.addcmul(_maps(shift, y.dtype), self.statistic(y), _maps(scale, y.dtype))


def _maps(values: Tensor, dtype: torch.dtype) -> Tensor:
    """[N, C] as [N, C, 1, 1]."""
    return values.to(dtype)[:, :, None, None]


class WeightNormalization(Part):
    """Acts on the effective weight of every convolution and linear layer of a network (`weight_normalization:`)."""

    def __init__(self, cfg: Any, shape: torch.Size) -> None:
        """`shape` is that of the weight, [out, in, ...]."""
        super().__init__()
        self.cfg, self.shape = cfg, shape

    def forward(self, weight: Tensor) -> Tensor:
        """The normalized weight, [out, in, ...] to the same shape."""
        raise NotImplementedError
