"""Inception features: the 2,048 pooled features and the logits of the network that FID is defined on.

Source: arXiv:1512.00567, the graph of 2015-12-05, as torch-fidelity has it (`inception-v3-compat`, with TensorFlow's
resizing to 299x299). What differs is the order of the arithmetic only: batch norm is folded into the convolutions, and
tensors are channels_last, a third faster on a CPU; features agree to 1e-4.
"""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from gancore.contracts import Feature, PluginConfig
from gancore.evaluation.weights import WeightsFile, expect, package, read_weights, state_hash

PUBLISHED = WeightsFile(
    name="weights-inception-2015-12-05-6726825d.pth",
    url="https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth",
    option="`features: {use: inception, weights: PATH}`",
    variable="GANCORE_INCEPTION_WEIGHTS",
    instead="`features: embedded` needs no download (its numbers carry that name)",
)
STANDARD = "822485f75365484bb0e4f48b6d8b2133cae73e132bc1362a8fc988ee20422451"
"""state_hash of the published weights; with others every name tells so."""

LAYERS = {"features": "2048", "logits": "logits_unbiased"}
"""Our names of outputs to torch-fidelity's; its Inception score uses logits without the bias."""


class Inception(Feature):
    """Plugin `inception`: the features of FID, KID and the Inception score."""

    provides: ClassVar[frozenset[str]] = frozenset({"features", "logits"})

    class Config(PluginConfig):
        weights: str | None = Field(
            None, description="file of weights (default: GANCORE_INCEPTION_WEIGHTS, or torch-fidelity's download)"
        )

    @cached_property
    def path(self) -> Path:
        return PUBLISHED.find(self.cfg.weights)

    @cached_property
    def _hash(self) -> str:
        state = read_weights(self.path)
        expect(state, "Mixed_7c.branch_pool.conv.weight", "torch-fidelity's Inception")
        return state_hash(state)

    @property
    def variant(self) -> str:
        return "" if self._hash == STANDARD else self._hash[:8]

    def check(self) -> None:
        package("torch_fidelity", "evaluation")
        self.weights_hash()

    def weights_hash(self) -> str:
        return self._hash

    def prepare(self, device: torch.device) -> None:
        extractor = package("torch_fidelity.feature_extractor_inceptionv3", "evaluation").FeatureExtractorInceptionV3
        # torch-fidelity unpickles without a guard; `check` has read the file with one
        network = extractor("inception-v3-compat", list(LAYERS.values()), feature_extractor_weights_path=str(self.path))
        self.network = folded(network).to(device, memory_format=torch.channels_last)

    @torch.no_grad()
    def extract(self, images: Tensor, outputs: Sequence[str]) -> dict[str, Tensor]:
        return dict(zip(LAYERS, self.network(images), strict=True))


def folded(network: Any) -> Any:
    """The network with every batch norm folded into the convolution before it."""
    for module in network.modules():
        if isinstance(getattr(module, "bn", None), nn.BatchNorm2d):
            module.conv, module.bn = fuse_conv_bn_eval(module.conv, module.bn), nn.Identity()
    return network
