"""Adam in one kernel per group, which a device flag can skip.

Source: arXiv:1412.6980, algorithm 1. The kernel is that of `torch.optim.Adam(fused=True)`, bit for bit. What differs:
constructing or stepping an optimizer of PyTorch imports its compiler, seconds before the first step of every run.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor

from gancore.contracts import Optimizer, PluginConfig, Scheduled, value_at, within

Beta = Annotated[Scheduled, within(ge=0, lt=1)]


class Adam(Optimizer):
    """Plugin `adam`: weight_decay is the L2 term of the paper. Rate and betas are corrected for lazy regularization."""

    class Config(PluginConfig):
        lr: Annotated[Scheduled, within(ge=0)] = Field(0.002, description="learning rate")
        betas: tuple[Beta, Beta] = Field(
            (0.0, 0.99), strict=False, description="decay of the mean and of the mean square"
        )
        eps: float = Field(1e-8, gt=0, description="added to the root mean square")
        weight_decay: float = Field(0, ge=0, description="factor of an L2 penalty on the weights")

    cfg: Config
    moments = 2
    skips = True

    def build(self, groups: list[dict[str, Any]]) -> "FusedAdam":
        return FusedAdam(groups, self.cfg.eps, self.cfg.weight_decay)

    def settings(self, kimg: float, lr: float, c: float) -> Mapping[str, Any]:
        beta1, beta2 = (value_at(beta, kimg) for beta in self.cfg.betas)
        return {"lr": lr * c, "betas": (beta1**c if beta1 else 0.0, beta2**c)}


class FusedAdam:
    """Groups are mappings of `params`, `lr` and `betas`, as in torch.optim; moments appear with the first gradient.

    state: `step` [], `exp_avg` and `exp_avg_sq` (of the parameter's shape) of each parameter.
    found_inf: a float32 scalar on the device; 1 leaves parameters, moments and steps as they are.
    """

    def __init__(self, groups: list[dict[str, Any]], eps: float, weight_decay: float) -> None:
        self.param_groups, self.eps, self.weight_decay = groups, eps, weight_decay
        self.state: defaultdict[Tensor, dict[str, Tensor]] = defaultdict(dict)
        self.found_inf: Tensor | None = None

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            params = [p for p in group["params"] if p.grad is not None]
            if params:
                self._update(params, group["lr"], *group["betas"])

    def _update(self, params: list[Tensor], lr: float, beta1: float, beta2: float) -> None:
        states = [self._state(p) for p in params]
        steps, means, squares = ([state[key] for state in states] for key in ("step", "exp_avg", "exp_avg_sq"))
        torch._foreach_add_(steps, 1)
        torch._fused_adam_(
            params,
            [p.grad for p in params if p.grad is not None],
            means,
            squares,
            [],
            steps,
            lr=lr,
            beta1=beta1,
            beta2=beta2,
            weight_decay=self.weight_decay,
            eps=self.eps,
            amsgrad=False,
            maximize=False,
            found_inf=self.found_inf,
        )
        if self.found_inf is not None:
            torch._foreach_sub_(steps, [self.found_inf] * len(steps))

    def _state(self, p: Tensor) -> dict[str, Tensor]:
        state = self.state[p]
        if not state:
            state["step"] = torch.zeros((), dtype=torch.float32, device=p.device)
            state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(p), torch.zeros_like(p)
        return state
