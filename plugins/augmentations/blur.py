"""Gaussian blur of everything the discriminator sees, fading out at the start of training.

Source: the code of arXiv:2106.12423 (StyleGAN3), configuration R: sigma falls from 10 pixels to 0 over the first
200 kimg at batch 32, so that the discriminator cannot dwell on high frequencies before there is a picture. As in that
code the filter is 2 ** -(x / sigma)**2 up to three sigma, so its standard deviation is 0.85 sigma.
Differs: sigma is in pixels of the finest image; coarser scales of a pyramid are blurred as much of their width.
"""

import math
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from gancore.contracts import Augmentation, Draw, Images, PluginConfig, Scheduled, value_at, within
from gancore.nn import filter2d
from gancore.options import LinearSchedule

REACH = 3
"""Sigmas from the middle of the filter to its end."""


class Blur(Augmentation):
    """Plugin `blur`: the same for every image; nothing is drawn."""

    class Config(PluginConfig):
        sigma: Annotated[Scheduled, within(ge=0)] = Field(
            LinearSchedule(schedule="linear", start=10, end=0, to_kimg=200),
            description="pixels at which the filter halves",
        )

    cfg: Config

    def forward(self, images: Images, draw: Draw, kimg: float) -> Images:
        sigma = value_at(self.cfg.sigma, kimg)
        width = images[-1].shape[-1]
        return tuple(blurred(image, sigma * image.shape[-1] / width) for image in images)


def blurred(image: Tensor, sigma: float) -> Tensor:
    """[N, C, H, W] to the same shape, zeros coming in; unchanged where the filter would be a single pixel."""
    reach = math.floor(REACH * sigma)
    if reach == 0:
        return image
    places = torch.arange(-reach, reach + 1, device=image.device) / sigma
    taps = (-places.square()).exp2()
    return filter2d(image, taps / taps.sum())
