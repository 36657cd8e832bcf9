"""Images as feature networks want them: RGB, from 0 black to 255 white."""

import torch
from torch import Tensor

from gancore.errors import RunError


def to_uint8(images: Tensor) -> Tensor:
    """Nominal [-1, 1] to uint8 by clip(127.5 x + 128), as the papers' code does before the feature network."""
    return (images.float() * 127.5 + 128).clamp_(0, 255).to(torch.uint8)


def finite(images: Tensor) -> Tensor:
    """A generator's images as they are. Raises RunError unless all of them are finite: NaN would become black."""
    if not torch.isfinite(images).all():
        raise RunError("the generator's images are not finite: its weights are damaged, or its training has diverged")
    return images


def as_rgb(images: Tensor) -> Tensor:
    """[N, C, H, W], 0 to 255, to [N, 3, H, W] of the same type: gray is repeated, alpha laid on white."""
    channels = images.shape[1]
    if channels in (2, 4):
        alpha = images[:, -1:].float() / 255
        laid = images[:, :-1].float() * alpha + 255 * (1 - alpha)
        images = laid.round().to(images.dtype) if images.dtype == torch.uint8 else laid
    return images if channels >= 3 else images[:, :1].expand(-1, 3, -1, -1)
