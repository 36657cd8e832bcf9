"""Features of any backbone of timm, by its name: the pooled activations before the classifier.

Source: https://github.com/huggingface/pytorch-image-models. Images are resized to the size that the model was trained
at (bicubic, with a filter that widens for reductions) and normalised as it requires. The extractor is registered with
torch-fidelity as `timm:MODEL`, so that its own command can compute the same.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from gancore.contracts import Feature, PluginConfig
from gancore.evaluation.weights import package, state_hash
from gancore.nn.pretrained import timm_model


class Timm(Feature):
    """Plugin `timm`: pooled features of a named model."""

    class Config(PluginConfig):
        model: str = Field(description="name of the model, like resnet50 or vit_base_patch16_clip_224.openai")
        weights: str | None = Field(None, description="file of weights (default: timm's download)")

    @property
    def variant(self) -> str:
        return self.cfg.model + (f"@{self.weights_hash()[:8]}" if self.cfg.weights else "")

    @cached_property
    def _network(self) -> "Backbone":
        return Backbone(self.cfg.model, self.cfg.weights)

    def check(self) -> None:
        register(self.cfg.model)
        self.weights_hash()

    @cached_property
    def _hash(self) -> str:
        return state_hash(self._network.model.state_dict())

    def weights_hash(self) -> str:
        return self._hash

    def prepare(self, device: torch.device) -> None:
        self._network.to(device)

    @torch.no_grad()
    def extract(self, images: Tensor, outputs: Sequence[str]) -> dict[str, Tensor]:
        return {"features": self._network(images)}


class Backbone(nn.Module):
    """uint8 [N, 3, H, W] to float32 [N, D]. Raises GancoreError if the model or its weights are unavailable."""

    mean: Tensor
    std: Tensor

    def __init__(self, model: str, weights: str | None) -> None:
        super().__init__()
        own = f"features: {{use: timm, model: {model}, weights: PATH}}"
        instead = f"name a local file by `{own}`, or use `features: embedded`"
        source = {"checkpoint_path": weights} if weights else {"pretrained": True}
        self.model = timm_model(model, instead, num_classes=0, **source)
        wanted = package("timm", "timm").data.resolve_model_data_config(self.model)
        self.size = tuple(wanted["input_size"][1:])
        self.register_buffer("mean", torch.tensor(wanted["mean"])[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(wanted["std"])[:, None, None], persistent=False)
        self.requires_grad_(False).eval()

    def forward(self, images: Tensor) -> Tensor:
        x = F.interpolate(images.float() / 255, size=self.size, mode="bicubic", align_corners=False, antialias=True)
        return self.model((x - self.mean) / self.std).float()


def register(model: str) -> str:
    """Makes the model known to torch-fidelity and returns its name there, `timm:MODEL`."""
    registry, name = package("torch_fidelity.registry", "evaluation"), f"timm:{model}"
    if name not in registry.FEATURE_EXTRACTORS_REGISTRY:
        registry.register_feature_extractor(name, _extractor_class())
    return name


def _extractor_class() -> Any:
    """The class that torch-fidelity makes extractors with; made here because importing its base takes seconds."""
    base: Any = package("torch_fidelity.feature_extractor_base", "evaluation").FeatureExtractorBase

    class TimmExtractor(base):  # type: ignore[misc]
        # torch-fidelity hands every option of its metrics to every extractor; only these three are ours
        def __init__(self, name: str, features: list[str], feature_extractor_weights_path: Any = None, **_: Any):
            super().__init__(name, features)
            self.backbone = Backbone(name.removeprefix("timm:"), feature_extractor_weights_path)

        def forward(self, images: Tensor) -> tuple[Tensor, ...]:
            return (self.backbone(images),)

        @staticmethod
        def get_provided_features_list() -> tuple[str, ...]:
            return ("pooled",)

        @staticmethod
        def get_default_feature_layer_for_metric(metric: str) -> str:
            return "pooled"

        @staticmethod
        def can_be_compiled() -> bool:
            return True

        @staticmethod
        def get_dummy_input_for_compile() -> Tensor:
            return torch.zeros(1, 3, 4, 4, dtype=torch.uint8)

    return TimmExtractor
