"""Non-saturating logistic loss: cross-entropy for D, and -log D(G(z)) for G.

Source: arXiv:1406.2661, section 3 (G maximizes log D(G(z))); the loss of StyleGAN and StyleGAN2.
Differs: written with softplus on logits, which is finite wherever the logits are.
"""

from torch import Tensor
from torch.nn.functional import softplus

from gancore.contracts import Loss


class NonSaturating(Loss):
    """Plugin `non_saturating`. D: softplus(-real) + softplus(fake). G: softplus(-fake)."""

    def d(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(-real) + softplus(fake)

    def g(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        return softplus(-fake)
