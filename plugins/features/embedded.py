"""Embedded features: the Inception stem up to Mixed_5d at 75x75 pixels, 2 MB inside the package.

They need no download and take a fiftieth of the full network's time. They see texture and colour more than objects, so
their numbers rank models of one experiment; they are comparable with no published FID, and every name says `embedded`.

Source: the network of arXiv:1512.00567 with the weights of 2015-12-05 that FID uses (TensorFlow models, Apache-2.0),
batch norm folded into the convolutions, half precision. The distance is made like LPIPS (arXiv:1801.03924, equation
1), without learned weights of channels.
"""

import hashlib
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional as F

from gancore.contracts import Feature
from gancore.evaluation.inception import InceptionV3

WEIGHTS = Path(__file__).with_name("inception_mixed5d_folded_fp16.safetensors")
SIZE = 75
"""Width and height of the network's input: the smallest that it accepts."""


class Embedded(Feature):
    """Plugin `embedded`: 288 channel means of Mixed_5d, and a perceptual distance."""

    provides: ClassVar[frozenset[str]] = frozenset({"features", "distance"})

    @cached_property
    def _sha256(self) -> str:
        return hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()

    def weights_hash(self) -> str:
        return self._sha256

    def prepare(self, device: torch.device) -> None:
        self.stem = InceptionV3(load_file(WEIGHTS), device).stem

    @torch.no_grad()
    def extract(self, images: Tensor, outputs: Sequence[str]) -> dict[str, Tensor]:
        mixed_5d = self.stem(resized(images))[-1]
        return {"features": mixed_5d.mean(dim=(2, 3))}

    def distance(self, a: Tensor, b: Tensor) -> Tensor:
        """Channels of length 1 at every place, squared difference, mean over places, sum over five layers."""
        return apart(self.layers(a), self.layers(b))

    def distances_to(self, b: Tensor) -> Callable[[Tensor], Tensor]:
        known = self.layers(b)
        return lambda a: apart(self.layers(a), known)

    def layers(self, images: Tensor) -> list[Tensor]:
        """Channels of length 1 of every layer, from images [N, 3, H, W], 0 to 255."""
        return [unit(x) for x in self.stem(resized(images))]


def apart(a: Sequence[Tensor], b: Sequence[Tensor]) -> Tensor:
    """Distance [N] of the layers of images."""
    return torch.stack([(x - y).square().sum(dim=1).mean(dim=(1, 2)) for x, y in zip(a, b, strict=True)]).sum(dim=0)


def resized(images: Tensor) -> Tensor:
    """[N, 3, H, W], 0 to 255, to [N, 3, 75, 75], -1 to 1: bilinear, without widening the filter for reductions."""
    x = images.to(torch.float32, memory_format=torch.channels_last)
    if x.shape[2:] != (SIZE, SIZE):
        x = F.interpolate(x, size=(SIZE, SIZE), mode="bilinear", align_corners=False)
    return (x - 128).div_(128)


def unit(x: Tensor) -> Tensor:
    """[N, C, h, w] with channels scaled to length 1."""
    return x / (x.square().sum(dim=1, keepdim=True).sqrt() + 1e-10)
