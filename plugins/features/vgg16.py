"""VGG16 features: the 4,096 activations after the second fully connected layer, at 224x224.

Source: arXiv:1409.1556 with torchvision's ImageNet weights, as torch-fidelity has it; improved precision and recall
(arXiv:1904.06991) is published on these features.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from gancore.evaluation.from_file import FromFile
from gancore.evaluation.weights import VGG16, package


class VGG16Features(FromFile):
    """Plugin `vgg16`: the features of the published precision and recall."""

    published, network, tensor = VGG16, "torchvision's VGG16", "classifier.6.weight"

    def check(self) -> None:
        package("torch_fidelity", "evaluation")
        super().check()

    def prepare(self, device: torch.device) -> None:
        extractor = package("torch_fidelity.feature_extractor_vgg16", "evaluation").FeatureExtractorVGG16
        # torch-fidelity unpickles without a guard; `check` has read the file with one
        self.extractor = extractor("vgg16", ["fc2_relu"], feature_extractor_weights_path=str(self.path)).to(device)

    @torch.no_grad()
    def extract(self, images: Tensor, outputs: Sequence[str]) -> dict[str, Tensor]:
        return {"features": self.extractor(images)[0]}
