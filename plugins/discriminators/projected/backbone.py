"""The frozen backbone: images to feature maps at several scales."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gancore.errors import GancoreError
from gancore.nn import Frozen
from gancore.nn.pretrained import package, timm_model


class Backbone(nn.Module):
    """Images [N, 1 or 3, H, W] in nominal [-1, 1] to one map [N, channels[i], H / r, W / r] a level, fine to coarse."""

    mean: Tensor
    std: Tensor

    def __init__(self, model: str, weights: str, levels: Sequence[int], size: int | None) -> None:
        """Images narrower than `size` are upsampled to it. Raises GancoreError when there are no such weights."""
        super().__init__()
        self.size = size
        network: Any = features_of(model, weights, levels)
        self.channels: list[int] = network.feature_info.channels()
        self.reductions: list[int] = network.feature_info.reduction()
        wanted = package("timm", "timm").data.resolve_model_data_config(network)
        # mean and standard deviation are of pixels in [0, 1]
        self.register_buffer("mean", 2 * torch.tensor(wanted["mean"])[:, None, None] - 1, persistent=False)
        self.register_buffer("std", 2 * torch.tensor(wanted["std"])[:, None, None], persistent=False)
        self.network = Frozen(network)

    def forward(self, image: Tensor) -> list[Tensor]:
        if self.size is not None and image.shape[-1] < self.size:
            image = F.interpolate(image, size=(self.size, self.size), mode="bilinear", align_corners=False)
        return list(self.network((image - self.mean) / self.std))


def features_of(model: str, weights: str, levels: Sequence[int]) -> nn.Module:
    """A model of timm that returns its feature maps; `weights` is pretrained, random, or a local file."""
    how: dict[str, Any] = {"features_only": True, "out_indices": tuple(levels)}
    on_meta = torch.empty(0).is_meta  # for shapes only
    if weights != "random" and not on_meta:
        how["pretrained"] = True
        if weights != "pretrained":
            how["pretrained_cfg_overlay"] = {"file": str(_file(weights))}
    return timm_model(model, "name a local file by the discriminator's option `weights: PATH`", **how)


def _file(weights: str) -> Path:
    path = Path(weights).expanduser()
    if not path.is_file():
        raise GancoreError(f"weights {weights!r} are neither 'pretrained', 'random', nor a file that exists")
    return path
