"""Stochastic gradient descent with momentum (the original GAN, LAPGAN), in the form of torch."""

from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor

from gancore.contracts import Optimizer, PluginConfig, Scheduled, Updates, within


class SGD(Optimizer):
    """Plugin `sgd`."""

    class Config(PluginConfig):
        lr: Annotated[Scheduled, within(ge=0)] = Field(0.02, description="learning rate")
        momentum: float = Field(0, ge=0, lt=1, description="share of the last step that is taken again")
        weight_decay: float = Field(0, ge=0, description="factor of an L2 penalty on the weights")

    cfg: Config
    moments = 1
    skips = True

    def build(self, groups: list[dict[str, Any]]) -> Updates:
        return _SGD(groups, momentum=self.cfg.momentum, weight_decay=self.cfg.weight_decay, fused=True)


class _SGD(torch.optim.SGD):
    """Momentum begins at zero. torch's fused kernel begins with the first gradient, for all at once; if that step is
    skipped, it leaves memory uninitialized."""

    found_inf: Tensor | None

    def step(self, closure: Any = None) -> Any:
        for group in self.param_groups:
            for p in group["params"]:
                if group["momentum"] and p.grad is not None and not self.state[p]:
                    self.state[p]["momentum_buffer"] = torch.zeros_like(p)
        return super().step(closure)
