"""What the golden p09 tests share: the small discriminator of the sidecar."""

import torch
from support.golden_cases import Case, cases, close
from torch import Tensor
from torch.nn import functional as F

from gancore.contracts import Images

DTYPES = {"": torch.float32, "64": torch.float64}
NETWORKS = [case for case in cases("p09_losses_*") if "discriminator" in case.sidecar]
LOGITS = [case for case in cases("p09_losses_*") if "discriminator" not in case.sidecar]


class Discriminator:
    """conv, leaky ReLU, strided conv, tanh, linear; as the sidecar describes it."""

    def __init__(self, case: Case, dtype: torch.dtype) -> None:
        self.state = {name: value.requires_grad_() for name, value in case.under("D.", dtype).items()}

    def __call__(self, images: Images, label: Tensor | None = None) -> tuple[Tensor, ...]:
        (x,), s = images, self.state
        x = F.leaky_relu(F.conv2d(x, s["conv0.weight"], s["conv0.bias"], padding=1), 0.2)
        x = torch.tanh(F.conv2d(x, s["conv1.weight"], s["conv1.bias"], stride=2, padding=1))
        return (F.linear(x.flatten(1), s["out.weight"], s["out.bias"])[:, 0],)


def compare(case: Case, name: str, values: Tensor, precision: str) -> None:
    """The mean of per-sample `values` with the tensor `name`, or `name`64; a mean is as exact as its terms are."""
    want, want64 = case.tensors[name], case.tensors[f"{name}64"]
    if precision:
        close(values.mean(), want64, rtol64=1e-7)
        return
    terms = torch.finfo(torch.float32).eps * values.detach().abs().max().item()
    assert abs((values.mean() - want).item()) <= 10 * max(abs((want - want64).item()), terms)


def compare_gradients(case: Case, name: str, value: Tensor, inputs: dict[str, Tensor]) -> None:
    """Stored float64 gradients `name`64.grad... of `value` by the inputs, each named as after `grad`.

    The gradient of a relativistic loss by the last bias is zero, a sum of terms as large as the other gradients.
    """
    prefix = f"{name}64.grad"
    stored = case.under(prefix)
    terms = max((float(want.abs().max()) for want in stored.values()), default=0.0)
    for suffix, want in stored.items():
        (gradient,) = torch.autograd.grad(value, inputs[suffix], retain_graph=True, materialize_grads=True)
        close(gradient, want, rtol64=1e-7, terms=terms)
