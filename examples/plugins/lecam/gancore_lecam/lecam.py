"""LeCam: D's logits are kept near moving averages of those of the other side, against overfitting to few images.

Source: arXiv:2104.03310, equation 3, and the authors' code, which takes relu of the differences and starts late.
Reads the logits of the main loss, so that it needs no pass of its own.
"""

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import relu

from gancore.contracts import Judged, PluginConfig, Regularizer, Step
from gancore.contracts.types import Network


class LeCam(Regularizer):
    """Plugin `lecam`: weight * (mean relu(real - a_fake)^2 + mean relu(a_real - fake)^2).

    a_real and a_fake are averages of the mean logits, which take the present batch in first. With microbatches, the
    present batch is the microbatch; the averages move once an update, by the mean over all of them.
    """

    class Config(PluginConfig):
        weight: float = Field(0.3, ge=0, description="weight of the penalty (paper: 0.3 on CIFAR)")
        decay: float = Field(0.99, ge=0, lt=1, description="of the averages, an update")
        start: int = Field(
            1000, ge=1, description="updates of D before the penalty; until then averages do not average"
        )

    cfg: Config
    side: ClassVar[Network] = "discriminator"
    second_order = False
    averages: Tensor
    sums: Tensor
    batches: Tensor
    updates: Tensor

    def __init__(self, cfg: Config) -> None:
        super().__init__(cfg)
        self.register_buffer("averages", torch.zeros(2))  # of real and of fake logits
        self.register_buffer("sums", torch.zeros(2))
        self.register_buffer("batches", torch.zeros([]))
        self.register_buffer("updates", torch.zeros([]))

    def penalty(self, step: Step) -> Tensor:
        main = step.main
        assert main.real is not None, "a phase of D"
        real, fake = _flat(main.real), _flat(main.fake)
        now = torch.stack([step.mean(real.detach()), step.mean(fake.detach())]).to(self.averages)
        self.sums += now
        self.batches += 1
        a_real, a_fake = self._moved(now)
        penalty = relu(real - a_fake).square().mean() + relu(a_real - fake).square().mean()
        return self.cfg.weight * penalty * (self.updates > self.cfg.start)

    def after_update(self) -> None:
        self.averages.copy_(self._moved(self.sums / self.batches))
        self.sums.zero_()
        self.batches.zero_()
        self.updates += 1

    def scalars(self) -> dict[str, Tensor]:
        return {"real": self.averages[0], "fake": self.averages[1]}

    def _moved(self, now: Tensor) -> Tensor:
        decay = self.cfg.decay * (self.updates >= self.cfg.start)
        return now + decay * (self.averages - now)


def _flat(judged: Judged) -> Tensor:
    """All logits of all heads, [M]."""
    return torch.cat([head.flatten() for head in judged.logits])
