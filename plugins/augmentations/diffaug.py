"""Differentiable augmentation: every image is changed by colour, translation and cutout, always.

Source: arXiv:2006.10738 (DiffAugment), section 3.2, with the magnitudes of its published code.
Differs: magnitudes are options; at the coarser scales of a pyramid, shifts and squares are rounded to whole pixels.
"""

from collections.abc import Callable
from functools import reduce
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from gancore.contracts import Augmentation, Draw, Images, PluginConfig

Change = Callable[[Tensor], Tensor]


class DiffAug(Augmentation):
    """Plugin `diffaug`. There is no strength to adapt; a magnitude of 0 leaves images unchanged."""

    class Config(PluginConfig):
        policy: tuple[Literal["color", "translation", "cutout"], ...] = Field(
            ("color", "translation", "cutout"), strict=False, description="transforms, in this order"
        )
        brightness: float = Field(0.5, ge=0, description="greatest offset of all pixels")
        saturation: float = Field(1.0, ge=0, description="greatest change of the factor on the distance from gray")
        contrast: float = Field(0.5, ge=0, description="greatest change of the factor on the distance from the mean")
        translation: float = Field(0.125, ge=0, le=1, description="greatest shift, relative to the image")
        cutout: float = Field(0.5, ge=0, le=1, description="side of the blanked square, relative to the image")

    cfg: Config

    def forward(self, images: Images, draw: Draw, kimg: float) -> Images:
        stages = {"color": self._color, "translation": self._translation, "cutout": self._cutout}
        changes = [stages[name](draw, images[-1].shape) for name in self.cfg.policy]
        return tuple(reduce(lambda x, change: change(x), changes, image) for image in images)

    # Each stage draws once, and returns the change it makes to an image of any scale.

    def _color(self, draw: Draw, finest: torch.Size) -> Change:
        def around(middle: float, reach: float, purpose: str) -> Tensor:
            return middle + reach * (2 * draw.uniform(f"diffaug.{purpose}", (1, 1, 1)) - 1)

        brightness = around(0, self.cfg.brightness, "brightness")
        saturation = around(1, self.cfg.saturation, "saturation")
        contrast = around(1, self.cfg.contrast, "contrast")

        def change(image: Tensor) -> Tensor:
            image = image + brightness.to(image)
            image = torch.lerp(image.mean(1, keepdim=True), image, saturation.to(image))
            return torch.lerp(image.mean((1, 2, 3), keepdim=True), image, contrast.to(image))

        return change

    def _translation(self, draw: Draw, finest: torch.Size) -> Change:
        u = draw.uniform("diffaug.translation", (2,))
        shifts = []
        for axis, size in enumerate(finest[2:]):
            reach = round(size * self.cfg.translation)
            shifts.append(((2 * reach + 1) * u[:, axis]).floor() - reach)

        def change(image: Tensor) -> Tensor:
            for dim, shift in enumerate(shifts, start=2):
                image = shifted(image, dim, (shift * (image.shape[dim] / finest[dim])).round().long())
            return image

        return change

    def _cutout(self, draw: Draw, finest: torch.Size) -> Change:
        u = draw.uniform("diffaug.cutout", (2,))
        stripes = []
        for axis, size in enumerate(finest[2:]):
            side = round(size * self.cfg.cutout)
            start = ((size + 1 - side % 2) * u[:, axis]).floor() - side // 2
            stripes.append((start, start + side))

        def change(image: Tensor) -> Tensor:
            rows, columns = (
                inside(image, dim, *((end * (image.shape[dim] / finest[dim])).round() for end in stripe))
                for dim, stripe in enumerate(stripes, start=2)
            )
            return image * ~(rows[:, None, :, None] & columns[:, None, None, :])

        return change


def shifted(image: Tensor, dim: int, pixels: Tensor) -> Tensor:
    """[N, C, H, W] moved along `dim` by whole pixels [N], zeros coming in."""
    size = image.shape[dim]
    pad = [0, 0, size, size] if dim == 2 else [size, size, 0, 0]
    places = torch.arange(size, device=image.device) + size - pixels[:, None]  # [N, size]
    index = places[:, None, :, None] if dim == 2 else places[:, None, None, :]
    return F.pad(image, pad).gather(dim, index.expand_as(image))


def inside(image: Tensor, dim: int, start: Tensor, end: Tensor) -> Tensor:
    """Which places along `dim` lie in start <= place < end, both [N]: [N, size]."""
    places = torch.arange(image.shape[dim], device=image.device)
    return (places >= start[:, None]) & (places < end[:, None])
