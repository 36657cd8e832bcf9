"""Inception features: the 2,048 pooled features and the logits of the network that FID is defined on.

Source: arXiv:1512.00567, the graph of 2015-12-05 with its own resizing to 299x299 pixels, whose grid begins in a corner
where others put it between pixels. Weights are torch-fidelity's file, and features agree with its to 1e-5. bf16 moves
FID by about half a percent, so scores with it say so in their names: `fid[inception-bf16]`.
"""

from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from gancore.evaluation.from_file import FromFile
from gancore.evaluation.inception import InceptionV3, fold_batch_norm
from gancore.evaluation.on_every_core import on_every_core
from gancore.evaluation.weights import WeightsFile

SIZE = 299
"""Width and height of the network's input."""

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


class Inception(FromFile):
    """Plugin `inception`: the features of FID, KID and the Inception score."""

    provides: ClassVar[frozenset[str]] = frozenset({"features", "logits"})
    published = WeightsFile(
        name="weights-inception-2015-12-05-6726825d.pth",
        url="https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth",
        option="`features: {use: inception, weights: PATH}`",
        variable="GANCORE_INCEPTION_WEIGHTS",
        instead="`features: embedded` needs no download (its numbers carry that name)",
    )
    network, tensor = "torch-fidelity's Inception", "Mixed_7c.branch_pool.conv.weight"
    standard = "822485f75365484bb0e4f48b6d8b2133cae73e132bc1362a8fc988ee20422451"

    class Config(FromFile.Config):
        weights: str | None = Field(
            None, description="file of weights (default: GANCORE_INCEPTION_WEIGHTS, or torch-fidelity's download)"
        )
        precision: Literal["fp32", "bf16"] = Field(
            "fp32", description="of the convolutions; bf16 is another metric and says so in its name"
        )

    @property
    def precision(self) -> str:
        return "" if self.cfg.precision == "fp32" else self.cfg.precision

    def prepare(self, device: torch.device) -> None:
        state = self.state()
        self.inception = InceptionV3(fold_batch_norm(state), device, DTYPES[self.cfg.precision])
        self.classes = state["fc.weight"].to(device)  # [1008, 2048]

    @torch.no_grad()
    def extract(self, images: Tensor, outputs: Sequence[str]) -> dict[str, Tensor]:
        """The published Inception score uses logits without the bias."""
        features = on_every_core(lambda share: self.inception.pooled(resized(share)), images)
        found = {"features": features}
        if "logits" in outputs:
            found["logits"] = features @ self.classes.mT
        return found


def resized(images: Tensor) -> Tensor:
    """[N, 3, H, W], 0 to 255, to [N, 3, 299, 299], -1 to 1: bilinear, pixel i taken at i H / 299.

    That is the grid of corners aligned to corners, one pixel larger on both sides.
    """
    x = F.pad(images.float(), (0, 1, 0, 1), mode="replicate")
    x = F.interpolate(x, size=SIZE + 1, mode="bilinear", align_corners=True)[:, :, :SIZE, :SIZE]
    return (x - 128).div_(128)
