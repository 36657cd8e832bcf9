"""Relativistic losses: D says how much more real one image is than another.

Source: arXiv:1807.00734, sections 4.1 (average: RaGAN, RaLSGAN, RaHinge) and 4.2 (paired: RpGAN);
paired and logistic is the loss of R3GAN, arXiv:2501.05441, equation 2.
Differs: the two halves of an average loss are averaged instead of added, so that `paired` and `average` have one
scale; averages are those of the microbatch.
"""

from collections.abc import Callable
from typing import ClassVar, Literal

from pydantic import Field
from torch import Tensor
from torch.nn.functional import relu, softplus

from gancore.contracts import Loss, PluginConfig
from gancore.nn import processes

# The price of a score `t` that ought to be large.
PRICES: dict[str, Callable[[Tensor], Tensor]] = {
    "logistic": lambda t: softplus(-t),
    "least_squares": lambda t: (t - 1).square(),
    "hinge": lambda t: relu(1 - t),
}


class Relativistic(Loss):
    """Plugin `relativistic`: (price(real - F) + price(R - fake)) / 2, the roles exchanged for G.

    F and R are the fake and the real logit of the same index (paired) or their batch means (average).
    """

    class Config(PluginConfig):
        pairing: Literal["paired", "average"] = Field(
            "paired", description="compare with the logit of the same index, or with the mean of the other batch"
        )
        function: Literal["logistic", "least_squares", "hinge"] = Field(
            "logistic", description="cost of a difference of logits"
        )

    cfg: Config
    needs_reals_for_g: ClassVar[bool] = True

    def d(self, real: Tensor, fake: Tensor) -> Tensor:
        return self._prefer(real, over=fake)

    def g(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        assert real is not None, "needs_reals_for_g"
        return self._prefer(fake, over=real)

    def _prefer(self, better: Tensor, over: Tensor) -> Tensor:
        price = PRICES[self.cfg.function]
        if self.cfg.pairing == "paired":
            return price(better - over)  # both halves are this
        return 0.5 * (price(better - processes.mean(over.mean())) + price(processes.mean(better.mean()) - over))
