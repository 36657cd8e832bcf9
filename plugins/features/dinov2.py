"""DINOv2 features: those of FD-DINOv2, the Fréchet distance that follows people's judgement more closely than FID.

Source: arXiv:2304.07193; arXiv:2306.04675 (the distance, ViT-L/14). torch-fidelity has the extractor; it takes code and
weights from the hub of PyTorch, once, into the folder where that keeps downloads.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor

from gancore.contracts import Feature, PluginConfig
from gancore.evaluation.weights import MissingWeights, package, state_hash


class DINOv2(Feature):
    """Plugin `dinov2`: the class token of a vision transformer, at 224x224."""

    class Config(PluginConfig):
        model: Literal["s", "b", "l", "g"] = Field("l", description="size of the transformer; l is the published one")

    @property
    def variant(self) -> str:
        return "" if self.cfg.model == "l" else self.cfg.model

    @cached_property
    def _network(self) -> Any:
        extractor = package("torch_fidelity.feature_extractor_dinov2", "evaluation").FeatureExtractorDinoV2
        try:
            return extractor(f"dinov2-vit-{self.cfg.model}-14", ["dinov2"])
        except Exception as cause:  # the hub may raise anything without a network or a copy
            raise MissingWeights(
                f"DINOv2 ViT-{self.cfg.model.upper()}/14 is not in {torch.hub.get_dir()} and cannot be fetched "
                f"({cause}); run once with a network, or copy that folder from a machine that has it",
                "another feature plugin, `features: embedded` for one, can be used (its numbers carry that name)",
            ) from cause

    def check(self) -> None:
        self.weights_hash()

    def weights_hash(self) -> str:
        return state_hash(self._network.state_dict())

    def prepare(self, device: torch.device) -> None:
        self.network = self._network.to(device)

    @torch.no_grad()
    def extract(self, images: Tensor, outputs: Sequence[str]) -> dict[str, Tensor]:
        return {"features": self.network(images)[0]}
