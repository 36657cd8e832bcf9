"""Embedded features: the Inception stem up to Mixed_5d at 75x75 pixels, 2 MB inside the package.

They need no download and take a fiftieth of the full network's time. They see texture and colour more than objects, so
their numbers rank models of one experiment; they are comparable with no published FID, and every name says `embedded`.

Source: the network of arXiv:1512.00567 with the weights of 2015-12-05 that FID uses (TensorFlow models, Apache-2.0),
batch norm folded into the convolutions, half precision. The distance is made like LPIPS (arXiv:1801.03924, equation
1), without learned weights of channels.
"""

import hashlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional as F

from gancore.contracts import Feature

WEIGHTS = Path(__file__).with_name("inception_mixed5d_folded_fp16.safetensors")
SIZE = 75
"""Width and height of what the network sees: the smallest that it takes."""


class Embedded(Feature):
    """Plugin `embedded`: 288 channel means of Mixed_5d, and a perceptual distance."""

    provides: ClassVar[frozenset[str]] = frozenset({"features", "distance"})

    @cached_property
    def _sha256(self) -> str:
        return hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()

    def weights_hash(self) -> str:
        return self._sha256

    def prepare(self, device: torch.device) -> None:
        self.stem = Stem(load_file(WEIGHTS), device)

    @torch.no_grad()
    def extract(self, images: Tensor, outputs: Sequence[str]) -> dict[str, Tensor]:
        mixed_5d = self.stem(resized(images.float()))[-1]
        return {"features": mixed_5d.mean(dim=(2, 3))}

    @torch.no_grad()
    def distance(self, a: Tensor, b: Tensor) -> Tensor:
        """Channels of length 1 at every place, squared difference, mean over places, sum over five layers."""
        layers = zip(self.stem(resized(a)), self.stem(resized(b)), strict=True)
        differences = [(unit(x) - unit(y)).square().sum(dim=1).mean(dim=(1, 2)) for x, y in layers]
        return torch.stack(differences).sum(dim=0)


def resized(images: Tensor) -> Tensor:
    """[N, 3, H, W], 0 to 255, to [N, 3, 75, 75], -1 to 1: bilinear, without widening the filter where it reduces."""
    if images.shape[2:] != (SIZE, SIZE):
        images = F.interpolate(images, size=(SIZE, SIZE), mode="bilinear", align_corners=False)
    return (images - 128) / 128


def unit(x: Tensor) -> Tensor:
    """[N, C, h, w] with channels scaled to length 1."""
    return x / (x.square().sum(dim=1, keepdim=True).sqrt() + 1e-10)


class Stem:
    """The first layers of Inception v3, in the names of the published graph."""

    def __init__(self, state: dict[str, Tensor], device: torch.device) -> None:
        self.weights = {
            name: value.to(device, torch.float32, memory_format=torch.channels_last)
            for name, value in state.items()
            if value.ndim == 4
        }
        self.biases = {name: value.to(device, torch.float32) for name, value in state.items() if value.ndim == 1}

    def __call__(self, x: Tensor) -> list[Tensor]:
        """[N, 3, 75, 75] to the outputs of Conv2d_2b, Conv2d_4a, Mixed_5b, Mixed_5c and Mixed_5d (288 channels)."""
        x = x.contiguous(memory_format=torch.channels_last)
        x = self.conv("Conv2d_1a_3x3", x, stride=2)  # [N, 32, 37, 37]
        x = self.conv("Conv2d_2a_3x3", x)
        conv_2b = self.conv("Conv2d_2b_3x3", x, padding=1)  # [N, 64, 35, 35]
        x = F.max_pool2d(conv_2b, 3, stride=2)
        x = self.conv("Conv2d_3b_1x1", x)
        conv_4a = self.conv("Conv2d_4a_3x3", x)  # [N, 192, 15, 15]
        mixed_5b = self.mixed("Mixed_5b", F.max_pool2d(conv_4a, 3, stride=2))  # [N, 256, 7, 7]
        mixed_5c = self.mixed("Mixed_5c", mixed_5b)
        return [conv_2b, conv_4a, mixed_5b, mixed_5c, self.mixed("Mixed_5d", mixed_5c)]

    def conv(self, name: str, x: Tensor, stride: int = 1, padding: int = 0) -> Tensor:
        return F.conv2d(x, self.weights[f"{name}.weight"], self.biases[f"{name}.bias"], stride, padding).relu_()

    def mixed(self, name: str, x: Tensor) -> Tensor:
        """Four branches side by side; the mean over 3x3 leaves out the border's zeros, as TensorFlow does."""
        five = self.conv(f"{name}.branch5x5_2", self.conv(f"{name}.branch5x5_1", x), padding=2)
        three = self.conv(f"{name}.branch3x3dbl_2", self.conv(f"{name}.branch3x3dbl_1", x), padding=1)
        three = self.conv(f"{name}.branch3x3dbl_3", three, padding=1)
        pooled = F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)
        branches = [self.conv(f"{name}.branch1x1", x), five, three, self.conv(f"{name}.branch_pool", pooled)]
        return torch.cat(branches, dim=1)
