"""VGG16 features: the 4,096 activations behind the second fully connected layer, at 224x224.

Source: arXiv:1409.1556 with torchvision's ImageNet weights, as torch-fidelity has it; improved precision and recall
(arXiv:1904.06991) is published on these features.
"""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import torch
from pydantic import Field
from torch import Tensor

from gancore.contracts import Feature, PluginConfig
from gancore.evaluation.weights import VGG16, expect, package, read_weights, state_hash


class VGG16Features(Feature):
    """Plugin `vgg16`: the features of the published precision and recall."""

    class Config(PluginConfig):
        weights: str | None = Field(None, description="file of weights (default: torchvision's download)")

    @cached_property
    def path(self) -> Path:
        return VGG16.find(self.cfg.weights)

    @cached_property
    def _hash(self) -> str:
        state = read_weights(self.path)
        expect(state, "classifier.6.weight", "torchvision's VGG16")
        return state_hash(state)

    @property
    def variant(self) -> str:
        return self._hash[:8] if self.cfg.weights else ""

    def check(self) -> None:
        package("torch_fidelity", "evaluation")
        self.weights_hash()

    def weights_hash(self) -> str:
        return self._hash

    def prepare(self, device: torch.device) -> None:
        extractor = package("torch_fidelity.feature_extractor_vgg16", "evaluation").FeatureExtractorVGG16
        # torch-fidelity unpickles without a guard; `check` has read the file with one
        self.network = extractor("vgg16", ["fc2_relu"], feature_extractor_weights_path=str(self.path)).to(device)

    @torch.no_grad()
    def extract(self, images: Tensor, outputs: Sequence[str]) -> dict[str, Tensor]:
        return {"features": self.network(images)[0]}
