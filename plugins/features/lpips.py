"""LPIPS with VGG16: the perceptual distance of path length, from two local files of weights.

Source: arXiv:1801.03924 equation 1 and section 3.1, version 0.1, the linear calibration ("lin"). Channels of relu1_2,
2_2, 3_3, 4_3 and 5_3 are scaled to length 1; squared differences are weighted per channel, averaged over places and
summed over layers. Images are taken at their own size.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from gancore.contracts import Feature, PluginConfig
from gancore.evaluation.weights import VGG16, WeightsFile, expect, package, read_weights, state_hash

LINEAR = WeightsFile(
    name="weights-vgg16-lpips.pth",
    url="https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-vgg16-lpips.pth",
    option="`features: {use: lpips, linear: PATH}`",
    instead="`features: embedded` has its own distance (scores say so in their names)",
)
SHIFT = (-0.030, -0.088, -0.188)
SCALE = (0.458, 0.448, 0.450)
"""Of images in [-1, 1], before the network."""

LAYERS = (3, 8, 15, 22, 29)
"""Indices of relu1_2, relu2_2, relu3_3, relu4_3 and relu5_3 in torchvision's `features`."""


class LPIPS(Feature):
    """Plugin `lpips`: the distance of the published path lengths."""

    provides: ClassVar[frozenset[str]] = frozenset({"distance"})

    class Config(PluginConfig):
        weights: str | None = Field(None, description="file of VGG16's weights (default: torchvision's download)")
        linear: str | None = Field(None, description="file of LPIPS' weights (default: torch-fidelity's download)")

    @cached_property
    def _states(self) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Convolutions of VGG16, and the five weights of channels."""
        trunk = read_weights(VGG16.find(self.cfg.weights))
        expect(trunk, "features.28.weight", "torchvision's VGG16")
        linear = read_weights(LINEAR.find(self.cfg.linear))
        expect(linear, "lin4.model.1.weight", "LPIPS")
        convolutions = {key.removeprefix("features."): v for key, v in trunk.items() if key.startswith("features.")}
        return convolutions, linear

    @property
    def variant(self) -> str:
        return self.weights_hash()[:8] if self.cfg.weights or self.cfg.linear else ""

    def check(self) -> None:
        package("torchvision", "evaluation")
        self.weights_hash()

    def weights_hash(self) -> str:
        convolutions, linear = self._states
        return state_hash({**convolutions, **linear})

    def prepare(self, device: torch.device) -> None:
        vgg = package("torchvision.models.vgg", "evaluation")
        convolutions, linear = self._states
        self.trunk = vgg.make_layers(vgg.cfgs["D"])[: LAYERS[-1] + 1]
        self.trunk.load_state_dict({key: v for key, v in convolutions.items() if int(key.split(".")[0]) <= LAYERS[-1]})
        self.trunk.requires_grad_(False).eval().to(device)
        self.linear = [linear[f"lin{i}.model.1.weight"].to(device) for i in range(len(LAYERS))]  # [1, C, 1, 1] each

    def distance(self, a: Tensor, b: Tensor) -> Tensor:
        return self.apart(self.activations(a), self.activations(b))

    def distances_to(self, b: Tensor) -> Callable[[Tensor], Tensor]:
        known = self.activations(b)
        return lambda a: self.apart(self.activations(a), known)

    def apart(self, a: Sequence[Tensor], b: Sequence[Tensor]) -> Tensor:
        """Distance [N] of the activations of images."""
        layers = zip(a, b, self.linear, strict=True)
        return torch.stack([F.conv2d((x - y).square(), weight).mean(dim=(1, 2, 3)) for x, y, weight in layers]).sum(
            dim=0
        )

    def activations(self, images: Tensor) -> list[Tensor]:
        """Channels of length 1 of every layer, from images [N, 3, H, W], 0 to 255."""
        shift, scale = (torch.tensor(values, device=images.device)[:, None, None] for values in (SHIFT, SCALE))
        x, found = (images / 127.5 - 1 - shift) / scale, []
        for index, layer in enumerate(self.trunk):
            x = F.relu(x) if isinstance(layer, nn.ReLU) else layer(x)
            if index in LAYERS:
                found.append(x / (x.square().sum(dim=1, keepdim=True).sqrt() + 1e-10))
        return found
