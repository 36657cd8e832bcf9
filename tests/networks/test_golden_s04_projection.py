"""Golden s04: the logit of a projection discriminator (arXiv:1802.05637), and the gradients of its hinge loss."""

import pytest
import torch
from support.golden_cases import Case, cases, close
from torch.nn import functional as F

from gancore.contracts import Interface
from gancore_plugins.discriminators.resnet import ResNet
from gancore_plugins.normalization.none import NoNormalization


@pytest.mark.parametrize("case", cases("s04_class_losses*"), ids=str)
def test_projection(case: Case) -> None:
    given = case.under("projection.")
    classes, width = given["E"].shape
    cfg = ResNet.Config(channels={"base": width * 16, "max": width}, flat_blocks=0)
    D = ResNet(cfg, Interface(16, 3, classes), lambda site: NoNormalization(None, site)).double()
    D.out.weight.data.copy_(given["W"])
    D.out.bias.data.copy_(given["b"])
    D.embed.weight.data.copy_(given["E"].T)
    features = given["h"].double().requires_grad_()
    logit = D.score(features, torch.eye(classes, dtype=torch.float64)[case.tensors["labels"]])
    close(logit, given["logit64"])
    leaves = {"E": D.embed.weight, "W": D.out.weight, "b": D.out.bias, "h": features}
    grads = torch.autograd.grad(F.relu(1 - logit).mean(), list(leaves.values()))
    for name, grad in zip(leaves, grads, strict=True):
        close(grad.T if name == "E" else grad, given[f"hinge_grad_{name}64"])
